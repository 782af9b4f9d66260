"""Messages against an independent construction, field for field and byte for byte of data.

Not by their serialised form: the alignment gaps of CDR hold whatever was in memory.
"""

from __future__ import annotations

import array
import struct

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image, LaserScan, PointCloud2, PointField
from std_msgs.msg import Header

from dap_core.panorama import check_erp_shape
from dap_core.products.cloud import Cloud
from dap_core.products.faces import FacesConfig, faces_of
from dap_core.products.scan import Scan
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


def test_pixels_of_a_received_message() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 3), np.uint8)
    sent = messages.numpy_image_message(pixels, "bgr8", HEADER)
    received = deserialize_message(serialize_message(sent), Image)
    np.testing.assert_array_equal(messages.pixels_of(received, check_erp_shape), pixels[..., ::-1])
    received.is_bigendian = 1  # says nothing about bytes
    np.testing.assert_array_equal(messages.pixels_of(received, check_erp_shape), pixels[..., ::-1])


def test_points_with_colour_pack_it_as_pcl_does() -> None:
    cloud = Cloud(np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32), np.array([[1, 2, 3], [255, 128, 0]], np.uint8))
    message = messages.points_message(cloud, HEADER)
    assert [(f.name, f.offset, f.datatype) for f in message.fields] == [
        (n, 4 * i, PointField.FLOAT32) for i, n in enumerate(("x", "y", "z", "height", "rgb"))
    ]
    data = bytes(message.data)
    assert struct.unpack("<4fI", data[:20]) == (1, 2, 3, 4, 0x010203)
    assert struct.unpack("<4fI", data[20:]) == (5, 6, 7, 8, 0xFF8000)
    plain = messages.points_message(Cloud(cloud.xyzh), HEADER)
    assert (plain.point_step, len(plain.fields)) == (16, 4)


def test_organised_cloud_keeps_the_image_order() -> None:
    points = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    points[1, 2] = np.nan
    message = messages.organised_message(points, HEADER)
    assert (message.height, message.width, message.row_step, message.point_step) == (2, 4, 48, 12)
    assert struct.unpack("<3f", bytes(message.data)[48 + 12 : 48 + 24]) == (15, 16, 17)


def test_scan_fields_and_special_values_survive_the_wire() -> None:
    values = np.array([1.5, np.inf, -np.inf, np.nan], np.float32)
    scan = Scan(values, angle_min=-np.pi + np.pi / 4, angle_increment=np.pi / 2, range_min=0.2, range_max=20.0)
    message = deserialize_message(serialize_message(messages.scan_message(scan, HEADER)), LaserScan)
    assert message.header == HEADER
    np.testing.assert_array_equal(np.array(message.ranges, np.float32), values)
    assert (message.range_min, message.range_max) == (pytest.approx(0.2), 20.0)
    assert message.angle_max == pytest.approx(np.pi - np.pi / 4) and message.angle_increment == pytest.approx(np.pi / 2)


def test_camera_info_of_a_face() -> None:
    (face,) = faces_of(FacesConfig(names=("front",), size=100, fov=90.0))
    info = messages.camera_info_message(face, HEADER)
    assert (info.width, info.height, info.distortion_model, list(info.d)) == (100, 100, "plumb_bob", [0.0] * 5)
    assert list(info.k) == pytest.approx([50, 0, 49.5, 0, 50, 49.5, 0, 0, 1])
    assert list(info.p) == pytest.approx([50, 0, 49.5, 0, 0, 50, 49.5, 0, 0, 0, 1, 0])
    assert list(info.r) == [1, 0, 0, 0, 1, 0, 0, 0, 1]
