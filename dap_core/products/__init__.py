"""From a panorama's depth to what a robot uses."""
