"""The node's work on recordings: bags in, bags out, without ROS."""
