"""Points out of ROS messages: sensor_msgs/PointCloud2 and sensor_msgs/LaserScan, from DDS or from a bag."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.io.image_messages import MessageError

#: numpy's names of the types of sensor_msgs/PointField.
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}


def cloud_points(message: Any) -> NDArray[np.float64]:
    """The finite points (N, 3) metres of a PointCloud2, in its own frame; padding and byte order are honoured.

    Raises MessageError where x, y or z is missing or its data does not have the size it announces.
    """
    fields = {f.name: f for f in message.fields}
    missing = [name for name in "xyz" if name not in fields]
    if missing:
        raise MessageError("fields", f"a cloud without {missing[0]}; its fields are {', '.join(fields) or 'none'}")
    step, row = message.point_step, message.row_step
    order = ">" if message.is_bigendian else "<"
    kinds = [order + _TYPES.get(fields[name].datatype, "V") for name in "xyz"]
    if not all(kind[1] == "f" for kind in kinds):
        raise MessageError("fields", "x, y and z of a cloud are FLOAT32 or FLOAT64")
    offsets = [fields[name].offset for name in "xyz"]
    if any(offset + int(kind[2]) > step for offset, kind in zip(offsets, kinds, strict=True)):
        raise MessageError("step", f"point_step {step} does not hold the fields of a point")
    height, width = message.height, message.width
    if row < step * width or len(message.data) != row * height:
        raise MessageError(
            "data", f"data has {len(message.data)} bytes, row_step {row} x height {height} makes {row * height}"
        )
    kind = np.dtype({"names": list("xyz"), "formats": kinds, "offsets": offsets, "itemsize": step})
    data = np.frombuffer(message.data, np.uint8).reshape(height, row)[:, : step * width]
    points = np.ascontiguousarray(data).view(kind).reshape(-1)
    xyz = np.stack([points[name].astype(np.float64) for name in "xyz"], -1)
    return xyz[np.isfinite(xyz).all(1)]


def scan_points(message: Any) -> NDArray[np.float64]:
    """The end points (N, 3) metres of a LaserScan's hits, in its own frame (z = 0). Raises MessageError."""
    ranges = np.asarray(message.ranges, np.float64)
    if not np.isfinite([message.angle_min, message.angle_increment, message.range_min, message.range_max]).all():
        raise MessageError("angles", "a scan's angles and limits are finite numbers")
    angles = message.angle_min + message.angle_increment * np.arange(len(ranges))
    with np.errstate(invalid="ignore"):
        hit = (ranges >= message.range_min) & (ranges <= message.range_max)
    r, a = ranges[hit], angles[hit]
    return np.stack([r * np.cos(a), r * np.sin(a), np.zeros(len(r))], -1)
