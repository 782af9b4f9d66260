"""The stages of the pipeline, each a function of its configuration."""
