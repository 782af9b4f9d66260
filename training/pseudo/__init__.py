"""Pseudo-labels: a labeler's depth for panoramas nobody measured, scored by a discriminator, the best selected."""
