"""Files: images, depth, clouds, bags. Everything is written beside its place and renamed."""
