"""Procedural panoramas with exact range: worlds, their renderer and the camera that photographs them."""
