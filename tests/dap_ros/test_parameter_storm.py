"""Random changes of parameters while frames flow: none is half applied, and a refused one changes nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters, SetParametersAtomically
from rclpy.parameter import Parameter, parameter_value_to_python
from ros_process import Peer, RosProcess, raw_image
from sensor_msgs.msg import Image, LaserScan, PointCloud2
from slow_network import slow_node

from dap_core.settings import fields
from dap_ros.parameters import NodeParameters

CHANGES = 100

#: The pair that is only ever asked for together with something that has to be refused.
NEVER = 90


def pair(i: int) -> dict[str, Any]:
    """Settings that belong together, each of which says in the messages which `i` it is of."""
    return {
        "frame": f"pair_{i}",
        "camera_height": 1.0 + i,
        "scan.range_min": 0.01 * (i + 1),
        "scan.range_max": 20.0 + i,
    }


#: Values of the right type and within their ranges that do not go together, or cannot be used.
CONFLICTS: tuple[dict[str, Any], ...] = (
    {"scan.min_height": 2.0, "scan.max_height": -2.0},
    {"cloud.min_height": 5.0, "cloud.max_height": 1.0},
    {"cloud.range_min": 30.0, "cloud.range_max": 3.0},
    {"panorama.top": -20.0, "panorama.bottom": 20.0},
    {"panorama.circles": ["10 10 5"]},
    {"mask.polygons": ["0 0, 10 10"]},
    {"mask.image": "/nowhere/mask.png"},
)


class RemoteParameters:
    """The parameters of the peer's target, by its services."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._clients = {
            kind: peer.node.create_client(kind, f"{peer.target}/{name}")
            for kind, name in (
                (SetParameters, "set_parameters"),
                (SetParametersAtomically, "set_parameters_atomically"),
                (GetParameters, "get_parameters"),
                (DescribeParameters, "describe_parameters"),
            )
        }
        assert peer.wait(lambda: all(c.service_is_ready() for c in self._clients.values()))

    def _call(self, kind: type, request: Any) -> Any:
        future = self._clients[kind].call_async(request)
        assert self._peer.wait(future.done), f"no answer from {kind.__name__}"
        return future.result()

    def set(self, values: dict[str, Any], atomically: bool) -> tuple[bool, str]:
        """Whether all were accepted, and the first reason against it."""
        messages = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        if atomically:
            result = self._call(SetParametersAtomically, SetParametersAtomically.Request(parameters=messages)).result
            return result.successful, result.reason
        results = self._call(SetParameters, SetParameters.Request(parameters=messages)).results
        refused = [r.reason for r in results if not r.successful]
        return not refused, refused[0] if refused else ""

    def get(self, names: list[str]) -> dict[str, Any]:
        values = self._call(GetParameters, GetParameters.Request(names=names)).values
        return {n: parameter_value_to_python(v) for n, v in zip(names, values, strict=True)}

    def describe(self, names: list[str]) -> dict[str, Any]:
        found = self._call(DescribeParameters, DescribeParameters.Request(names=names)).descriptors
        return {d.name: d for d in found}


class Draw:
    """Changes drawn from the node's own descriptors."""

    def __init__(self, rng: random.Random, descriptors: dict[str, Any], defaults: dict[str, Any]) -> None:
        self._rng, self._descriptors, self._defaults = rng, descriptors, defaults

    def change(self) -> tuple[dict[str, Any], bool]:
        """Values to set at once, and whether they have to be refused, whatever the others are."""
        how = self._rng.choice(("valid", "valid", "valid", "several", "bad", "type", "conflict", "unknown", "mixed"))
        if how == "conflict":
            return dict(self._rng.choice(CONFLICTS)), True
        if how == "unknown":
            return {"cloud.colour": True}, True
        names = self._rng.sample(sorted(self._descriptors), 1 if how in ("valid", "bad", "type") else 3)
        values = {name: self._valid(name) for name in names}
        if how in ("valid", "several"):
            return values, any(self._descriptors[n].read_only for n in names)
        values[names[0]] = self._other_type(names[0]) if how == "type" else self._bad(names[0])
        return values, True

    def _range(self, name: str) -> Any:
        d = self._descriptors[name]
        return next(iter([*d.floating_point_range, *d.integer_range]), None)

    def _choices(self, name: str) -> list[str]:
        text = self._descriptors[name].additional_constraints
        return text.removeprefix("one of: ").split(", ") if text else []

    def _valid(self, name: str) -> Any:
        default, limits, choices = self._defaults[name], self._range(name), self._choices(name)
        if isinstance(default, bool):
            return self._rng.random() < 0.5
        if isinstance(default, list):
            return self._rng.sample(choices, self._rng.randint(1, len(choices))) if choices else [""]
        if choices:
            return self._rng.choice(choices)
        if isinstance(default, str):
            return default
        # Most values near the default, where frames still come out, and the very ends of the range now and then.
        low, high = limits.from_value, limits.to_value
        near = [min(max(default * f, low), high) for f in (0.5, 0.9, 1.1, 2.0)]
        value = self._rng.choice((low, high, default, *near))
        return round(value) if isinstance(default, int) else float(value)

    def _bad(self, name: str) -> Any:
        default, limits = self._defaults[name], self._range(name)
        if limits is not None:
            beyond = [limits.from_value - 1, limits.to_value + 1]
            if isinstance(default, float):
                beyond = [*map(float, beyond), math.nan, math.inf, -math.inf]
            return self._rng.choice(beyond)
        if isinstance(default, list):
            return ["nonsense"]
        return "nonsense" if self._choices(name) else self._other_type(name)

    def _other_type(self, name: str) -> Any:
        own = type(self._defaults[name])
        return self._rng.choice([v for v in (True, 3, 0.5, "many", [1.5, 2.5]) if type(v) is not own])


@pytest.fixture
def node(known_model: Path) -> Iterator[RosProcess]:
    parameters = {"model": str(known_model), "backend": "onnxruntime", "diagnostics_period": 0.1, **pair(0)}
    # Most changes come while the network is at work, which is where a frame would be caught half way; and its steps are
    # on three threads, with another frame in each.
    parameters["overlap"] = "always"
    with slow_node(0.01, parameters, {"image": "/storm/image", "__node": "storm"}) as process:
        yield process
        assert process.stop() == 0, process.log()
        assert "Traceback" not in process.log() and "frame lost" not in process.log(), process.log()
        assert "/nowhere" not in process.log(), process.log()


def pair_of_cloud(cloud: PointCloud2) -> set[int]:
    """The pairs that a cloud's frame and heights speak of."""
    points = np.frombuffer(cloud.data, np.uint8).reshape(-1, cloud.point_step)[:, :16].copy().view(np.float32)
    heights = np.unique(np.rint(points[:, 3] - points[:, 2]).astype(int))
    return {int(cloud.header.frame_id.removeprefix("pair_")), *(int(h) - 1 for h in heights)}


def pair_of_scan(scan: LaserScan) -> set[int]:
    """The pairs that a scan's frame and limits speak of."""
    frame = int(scan.header.frame_id.removeprefix("pair_"))
    return {frame, round(100 * scan.range_min) - 1, round(scan.range_max) - 20}


def test_random_changes_while_frames_flow(node: RosProcess) -> None:
    rng = random.Random(5)
    with Peer("/storm") as peer:
        remote = RemoteParameters(peer)
        # Settings that the pairs do not use; the model file is that of the test.
        names = [n for n, _ in fields(NodeParameters) if n not in pair(0) and n not in ("model", "snapshot_folder")]
        start = remote.get(names)
        now = dict(start)
        draw = Draw(rng, remote.describe(names), start)
        dynamic = {n: v for n, v in start.items() if "Dynamic" in remote.describe([n])[n].description}

        clouds = peer.listen("/points", PointCloud2, depth=100)
        scans = peer.listen("/scan", LaserScan, depth=100)
        depths = peer.listen("/depth/image", Image, depth=100)
        peer.listen("/points/clearing", PointCloud2, depth=1)
        peer.listen("/faces/front/depth", Image, depth=1)
        pixels = np.random.default_rng(0).integers(0, 200, (32, 64, 3), np.uint8)
        pixels[..., 2] = 0
        sent = 0

        def send() -> None:
            nonlocal sent
            sent += 1
            peer.publish("/storm/image", raw_image(pixels, stamp=sent))

        send()
        assert peer.wait(lambda: send() or (depths and scans and clouds)), node.log()
        reference = bytes(depths[-1].data)
        peer.node.create_timer(0.02, send)

        accepted = refused = 0
        for i in range(CHANGES):
            values, must_fail = draw.change()
            atomically = len(values) > 1 or rng.random() < 0.5
            ok, reason = remote.set(values | pair(NEVER) if must_fail and atomically else values, atomically)
            assert not (ok and must_fail), values
            assert ok == (reason == ""), (values, reason)
            assert "\n" not in reason, reason
            now |= values if ok else {}
            accepted, refused = accepted + ok, refused + (not ok)
            if must_fail:  # frames that would show what was refused
                count = len(clouds)
                peer.wait(lambda: len(clouds) > count + 1, 0.1)  # noqa: B023
            got = remote.get(names)
            assert got == now, (values, {n: (got[n], now[n]) for n in names if got[n] != now[n]})
            for k in range(4):
                assert remote.set(pair((4 * i + k) % 60), True) == (True, "")
            if i % 4 == 3:  # so that frames come out of the most curious combinations too
                assert remote.set(dynamic, True) == (True, "")
                now |= dynamic
        assert accepted > 25 and refused > 25, (accepted, refused)
        assert remote.set(dynamic, True) == (True, "")

        stamps = [{m.header.stamp.sec: m for m in list(messages)} for messages in (clouds, scans)]
        seen = set()
        for stamp in set(stamps[0]) & set(stamps[1]):
            spoken = pair_of_cloud(stamps[0][stamp]) | pair_of_scan(stamps[1][stamp])
            assert len(spoken) == 1, f"frame {stamp} is of the pairs {sorted(spoken)}"
            assert NEVER not in spoken, f"frame {stamp} is of a pair that was refused"
            seen |= spoken
        assert len(seen) >= 20 and len(clouds) >= 60, (len(seen), len(clouds), sent)
        newest = sent
        assert peer.wait(lambda: depths[-1].header.stamp.sec > newest + 1), node.log()
        assert bytes(depths[-1].data) == reference
        assert peer.wait(lambda: peer.diagnostics("input"))
        assert "dropped_internal" not in peer.diagnostics("input")
