"""A process that publishes numbered best-effort images of a given size, with the shipped DDS profile.

python numbered_publisher.py COUNT HEIGHT RATE: once somebody subscribes to /big, COUNT images, frame_id their number.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import rclpy
from ros_process import raw_image
from sensor_msgs.msg import Image

from dap_ros.transport import apply_profile, qos


def main() -> None:
    count, height, rate = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    apply_profile()
    rclpy.init()
    node = rclpy.create_node("numbered_publisher")
    publisher = node.create_publisher(Image, "/big", qos("best_effort", 2))
    message = raw_image(np.zeros((height, 2 * height, 3), np.uint8))
    while publisher.get_subscription_count() == 0:
        time.sleep(0.05)
    time.sleep(1.0)
    for i in range(count):
        message.header.frame_id = str(i)
        publisher.publish(message)
        time.sleep(1.0 / rate)
    time.sleep(1.0)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
