"""From a torch model to files that run without torch, and how nearly they agree with it."""
