"""ROS 2 side of DAP: messages in, messages out. All depth comes from `dap_core`."""
