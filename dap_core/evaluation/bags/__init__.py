"""How good depth is on a recording: against lidar or a range image of the same bag."""
