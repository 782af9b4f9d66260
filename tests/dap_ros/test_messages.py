"""Messages against an independent construction, field for field and byte for byte of data.

Not by their serialised form: the alignment gaps of CDR hold whatever was in memory.
"""

from __future__ import annotations

import array
import struct

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import Header

from dap_ros import messages

HEADER = Header(frame_id="pano_optical_frame")
HEADER.stamp.sec, HEADER.stamp.nanosec = 12, 345
RANGE = np.array([[1.0, np.inf, np.nan, 0.5], [65.535, 65.6, 0.0004, 2.0005]], np.float32)


def test_range_image_bytes() -> None:
    expected = Image(header=HEADER, height=2, width=4, encoding="32FC1", is_bigendian=0, step=16)
    expected.data = array.array("B", b"".join(struct.pack("<f", v) for v in RANGE.ravel()))
    assert messages.range_message(RANGE, "32FC1", HEADER) == expected


def test_range_image_in_millimetres() -> None:
    message = messages.range_message(RANGE, "16UC1", HEADER)
    values = struct.unpack("<8H", bytes(message.data))
    assert (message.encoding, message.step) == ("16UC1", 8)
    assert values == (1000, 65535, 0, 500, 65535, 65535, 0, 2000)


def test_masks_and_colour_bytes() -> None:
    mask = np.array([[True, False], [False, True]])
    message = messages.mask_message(mask, HEADER)
    assert (message.encoding, message.step, bytes(message.data)) == ("mono8", 2, b"\xff\x00\x00\xff")
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    message = messages.image_message(pixels[:, ::-1], "rgb8", HEADER)
    assert (message.step, bytes(message.data)) == (12, np.ascontiguousarray(pixels[:, ::-1]).tobytes())
    with pytest.raises(TypeError, match="32FC1 takes float32"):
        messages.image_message(RANGE.astype(np.float64), "32FC1", HEADER)


def test_cloud_bytes() -> None:
    points = np.arange(12, dtype=np.float32).reshape(3, 4)
    expected = PointCloud2(header=HEADER, height=1, width=3, is_bigendian=False, point_step=16, row_step=48)
    for i, name in enumerate("xyzh"):
        expected.fields.append(PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1))
    expected.is_dense = False
    expected.data = array.array("B", struct.pack("<12f", *range(12)))
    message = messages.cloud_message(points, ("x", "y", "z", "h"), HEADER)
    assert message == expected
    empty = messages.cloud_message(points[:0], ("x", "y", "z", "h"), HEADER)
    assert (empty.width, len(empty.data), empty.row_step) == (0, 0, 0)


def test_numpy_path_equals_cv_bridge() -> None:
    pytest.importorskip("cv_bridge", reason="cv_bridge is not installed; ROS distributions have it")
    bridge = messages.cv_bridge()
    if bridge is None:
        pytest.skip("cv_bridge is installed but does not work with this NumPy")
    for pixels, encoding in (
        (RANGE, "32FC1"),
        (np.zeros((2, 4), np.uint16), "16UC1"),
        (np.eye(4, dtype=np.uint8), "mono8"),
    ):
        ours = messages.numpy_image_message(pixels, encoding, HEADER)
        assert ours == bridge.cv2_to_imgmsg(pixels, encoding, HEADER)


def test_numpy_path_equals_sensor_msgs_py() -> None:
    pytest.importorskip("sensor_msgs_py", reason="sensor_msgs_py is not installed; ROS distributions have it")
    points = np.arange(12, dtype=np.float32).reshape(3, 4)
    names = ("x", "y", "z", "height")
    ours = messages.numpy_cloud_message(points, names, HEADER)
    assert ours == messages.cloud_message(points, names, HEADER)


def test_panorama_of_a_received_message() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 3), np.uint8)
    sent = messages.numpy_image_message(pixels, "bgr8", HEADER)
    received = deserialize_message(serialize_message(sent), Image)
    np.testing.assert_array_equal(messages.panorama_of(received), pixels[..., ::-1])
    received.is_bigendian = 1  # says nothing about bytes
    np.testing.assert_array_equal(messages.panorama_of(received), pixels[..., ::-1])


def test_cloud_frames() -> None:
    assert messages.cloud_frame("theta_optical_frame") == "theta_link"
    assert messages.cloud_frame("theta_link") == "theta_link"
    assert messages.cloud_frame("theta_optical_frame", "base_link") == "base_link"
    assert messages.cloud_frame("") == ""
