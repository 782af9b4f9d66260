"""Bags read and written: every storage and compression, bytes passed on as they are, and one line for what is wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from recorded_world import DEPTH, IMAGE, LIDAR, LINK, OPTICAL, SCAN, Recording
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from dap_core.errors import InputError
from dap_core.io.bag_reader import open_bag, stamp_ns
from dap_core.io.bag_writer import BagWriter, move_bag, storage_of
from dap_core.io.image_messages import MessageError, decode_range
from dap_core.io.point_messages import cloud_points, scan_points
from dap_core.io.ros_messages import cloud_message, header, image_message
from dap_core.offline.topics import namespace_of, own_output, panoramas, roles


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Recording(frames=3, height=32, with_image=True, with_scan=True, with_imu=True).write(
        tmp_path_factory.mktemp("bag") / "drive"
    )


def _copied(bag: Path, folder: Path, storage: str, mode: CompressionMode) -> Path:
    """The same messages in another storage and compression, by rosbags alone."""
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    writer = Writer(folder, version=8, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with AnyReader([bag]) as reader, writer:
        ids = {
            c.id: writer.add_connection(c.topic, c.msgtype, msgdef=c.msgdef.data, rihs01=c.digest)
            for c in reader.connections
        }
        for c, stamp, data in reader.messages():
            writer.write(ids[c.id], stamp, data)
    return folder


FORMS = [
    ("mcap", CompressionMode.NONE),
    ("mcap", CompressionMode.STORAGE),
    ("mcap", CompressionMode.MESSAGE),
    ("mcap", CompressionMode.FILE),
    ("sqlite3", CompressionMode.NONE),
    ("sqlite3", CompressionMode.MESSAGE),
    ("sqlite3", CompressionMode.FILE),
]


@pytest.mark.parametrize(("storage", "mode"), FORMS)
def test_every_form_holds_the_same_messages(bag: Path, tmp_path: Path, storage: str, mode: CompressionMode) -> None:
    copy = _copied(bag, tmp_path / "copy", storage, mode)
    with open_bag(bag) as one, open_bag(copy) as other:
        assert other.storage == storage and bool(other.compression) == (mode != CompressionMode.NONE)
        assert {t.name: t.count for t in one.topics.values()} == {t.name: t.count for t in other.topics.values()}
        assert (one.start_ns, one.end_ns) == (other.start_ns, other.end_ns)
        # rosbags orders equal stamps as they lie in the file, so they are compared as a multiset.
        same = sorted((r.topic, r.stamp_ns, r.data) for r in one.raw())
        assert same == sorted((r.topic, r.stamp_ns, r.data) for r in other.raw())
        image = other.first(IMAGE)
        assert (image.encoding, image.header.frame_id, stamp_ns(image)) == ("rgb8", OPTICAL, 1000 * 10**9)


def test_a_part_of_a_bag_by_time(bag: Path) -> None:
    with open_bag(bag) as opened:
        second = 1000 * 10**9 + 100_000_000
        assert [r.stamp_ns for r in opened.raw([IMAGE], second)] == [second, second + 100_000_000]
        assert [r.stamp_ns for r in opened.raw([IMAGE], None, second)] == [second - 100_000_000]
        assert list(opened.raw([IMAGE], second + 1, second + 2)) == [] and list(opened.raw(["/none"])) == []


def test_roles_of_topics(bag: Path) -> None:
    with open_bag(bag) as opened:
        found = {name: (role.name, role.detail) for name, role in roles(opened).items()}
        assert found[IMAGE] == ("panorama", "64x32 rgb8") and found[DEPTH] == ("depth", "64x32 32FC1")
        assert [found[t][0] for t in (LIDAR, SCAN, "/camera/imu", "/tf_static")] == [
            "cloud",
            "scan",
            "imu",
            "transforms",
        ]
        assert own_output(opened, "/camera/scan") == "scan" and own_output(opened, "/scan") == ""
        assert own_output(opened, "/camera/points/full") == "points/full" and own_output(opened, "/x/mask/far")
        assert panoramas(opened) == (IMAGE,) and namespace_of("/a/b/image/compressed") == "/a/b"
        with pytest.raises(InputError, match=r"/lidar/points is sensor_msgs/msg/PointCloud2; sensor_msgs/msg/Image or"):
            panoramas(opened, (LIDAR,))


def test_quality_of_service_types_and_unknown_definitions_are_passed_on(tmp_path: Path) -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg("uint8[] pixels\nfloat64 dose", "lab_msgs/msg/Dose"))
    forever = QosTime(2147483647, 4294967295)
    latched = Qos(
        QosHistory.KEEP_LAST, 1, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL,
        forever, forever, QosLiveliness.AUTOMATIC, forever, False,
    )  # fmt: skip
    dose = store.types["lab_msgs/msg/Dose"](np.arange(5, dtype=np.uint8), 0.25)
    with Writer(tmp_path / "in", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topic = writer.add_connection("/dose", "lab_msgs/msg/Dose", typestore=store, offered_qos_profiles=[latched])
        data = bytes(store.serialize_cdr(dose, "lab_msgs/msg/Dose"))
        writer.write(topic, 7, data)
    with open_bag(tmp_path / "in") as source:
        (raw,) = source.raw()
        assert source.decode(raw).dose == 0.25
        nobody = raw.connection._replace(
            topic="/n", msgtype="lab_msgs/msg/Nobody", msgdef=raw.connection.msgdef._replace(data="")
        )
        with BagWriter(tmp_path / "out") as out:
            out.write_like(raw.connection, 7, raw.data)
            out.write_like(nobody, 8, b"\0\1\0\0xyz")
    with AnyReader([tmp_path / "out"]) as reader:  # checks definitions against hashes
        first, second = reader.messages()
        assert (first[1], first[2], second[1], second[2]) == (7, data, 8, b"\0\1\0\0xyz")
        assert first[0].ext.offered_qos_profiles == [latched]
        assert reader.deserialize(first[2], first[0].msgtype).pixels.tolist() == [0, 1, 2, 3, 4]
    with open_bag(tmp_path / "out") as opened, pytest.raises(InputError, match="lab_msgs/msg/Nobody is not known"):
        opened.first("/n")


def test_what_is_wrong_is_one_line(bag: Path, tmp_path: Path) -> None:
    whole = next(bag.glob("*.mcap")).read_bytes()
    (tmp_path / "cut.mcap").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mcap").write_bytes(b"")
    (tmp_path / "noise.db3").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "x.bag").write_bytes(b"#ROSBAG V2.0\n")
    (tmp_path / "folder").mkdir()
    sqlite3.connect(tmp_path / "tables.db3").execute("CREATE TABLE t(x)").connection.close()
    for name, text in {
        "absent.mcap": "no such bag",
        "cut.mcap": "cut short; `mcap recover`",
        "empty.mcap": "nothing was recorded",
        "noise.db3": "bag folder is expected",
        "x.bag": "an .mcap file, a .db3 file or a bag folder is expected",
        "folder": "`ros2 bag reindex`",
        "tables.db3": "missing tables",
    }.items():
        with pytest.raises(InputError, match=text) as caught, open_bag(tmp_path / name):
            pass
        assert name in str(caught.value) and "\n" not in str(caught.value)
    # A chunk that was damaged is found when it is read.
    damaged = bytearray(whole)
    damaged[len(whole) // 3 : len(whole) // 3 + 64] = bytes(64)
    (tmp_path / "damaged.mcap").write_bytes(damaged)
    with pytest.raises(InputError, match=r"damaged.mcap: (damaged bag|.*not a readable)") as caught:
        _read_all(tmp_path / "damaged.mcap")
    assert "\n" not in str(caught.value)


def _read_all(path: Path) -> None:
    with open_bag(path) as opened:
        for raw in opened.raw():
            opened.decode(raw)
        raise InputError(f"{path.name}: damaged bag: read anyway")  # a hit between records changes nothing


def test_storages_and_places(tmp_path: Path) -> None:
    assert [storage_of(Path(n)) for n in ("out", "out.mcap", "out.db3")] == ["mcap", "mcap", "sqlite3"]
    assert storage_of(Path("out"), "sqlite3") == "sqlite3"
    with pytest.raises(InputError, match=r"out.db3 is a name for sqlite3, not for mcap"):
        storage_of(Path("out.db3"), "mcap")
    for storage, suffix in (("mcap", ".mcap"), ("sqlite3", ".db3")):
        with BagWriter(tmp_path / "x", storage) as writer:
            writer.write("/a", image_message(np.eye(2, dtype=np.uint8), "mono8", header(5, "f")), 6)
        move_bag(tmp_path / "x", tmp_path / f"y{suffix}")
        assert not (tmp_path / "x").exists()
        with open_bag(tmp_path / f"y{suffix}") as opened:
            assert opened.first("/a").data.tolist() == [1, 0, 0, 1]


def test_points_of_clouds_and_scans(bag: Path) -> None:
    points = np.array([[1, 2, 3, 9], [np.nan, 0, 0, 9], [-4, 5, np.inf, 9], [7, 8, 9, 9]], np.float32)
    message = cloud_message(points, ("x", "y", "z", "height"), header(0, LINK))
    np.testing.assert_array_equal(cloud_points(message), [[1, 2, 3], [7, 8, 9]])
    # Doubles, big-endian, padded rows, x behind y.
    rows = np.zeros((2, 64), np.uint8)
    for row in range(2):
        for i in range(2):
            at = 28 * i
            rows[row, at : at + 8] = np.array([10 * row + i], ">f8").view(np.uint8)
            rows[row, at + 8 : at + 16] = np.array([0.5], ">f8").view(np.uint8)
            rows[row, at + 16 : at + 24] = np.array([-1.5], ">f8").view(np.uint8)
    for field, offset in zip(message.fields, (8, 0, 16, 24), strict=True):
        field.datatype, field.offset = 8, offset
    message.fields.pop()
    message.height, message.width, message.point_step, message.row_step = 2, 2, 28, 64
    message.is_bigendian, message.data = True, rows.reshape(-1)
    np.testing.assert_array_equal(cloud_points(message)[:, 1], [0, 1, 10, 11])
    np.testing.assert_array_equal(cloud_points(message)[:, 0], 0.5)
    message.row_step = 50
    with pytest.raises(MessageError, match="row_step 50 x height 2 makes 100"):
        cloud_points(message)
    message.fields = message.fields[:2]
    with pytest.raises(MessageError, match="a cloud without z; its fields are x, y"):
        cloud_points(message)
    with open_bag(bag) as opened:
        scan = opened.first(SCAN)
        scan.ranges = scan.ranges.copy()
        scan.ranges[:3] = np.inf, np.nan, 0.01
        ends = scan_points(scan)
        assert len(ends) == len(scan.ranges) - 3 and not ends[:, 2].any()
        np.testing.assert_allclose(np.linalg.norm(ends, axis=1), scan.ranges[3:], rtol=1e-6)
        np.testing.assert_allclose(np.arctan2(ends[0, 1], ends[0, 0]), -np.pi + 3 * scan.angle_increment, rtol=1e-6)
        assert decode_range(opened.first(DEPTH)).shape == (32, 64)
