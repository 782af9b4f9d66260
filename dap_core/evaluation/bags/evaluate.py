"""Depth of a bag, recorded or made on the way, against the truth in the same bag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_core.evaluation.bags.checks import Checks, Probe, check
from dap_core.evaluation.bags.extrinsics import Extrinsics, read_extrinsics
from dap_core.evaluation.bags.truth import Truth, TruthOptions, TruthTrack, range_image
from dap_core.evaluation.bags.visibility import cells, range_along, visible
from dap_core.evaluation.metrics import DepthMetrics, metrics_of
from dap_core.evaluation.regions import region_sums
from dap_core.evaluation.resampling import resize_nearest
from dap_core.frames import FrameNames
from dap_core.io.bag_reader import Bag, Raw, open_bag, stamp_ns
from dap_core.io.frame_tree import Pose
from dap_core.offline.camera import open_camera
from dap_core.offline.sensors import Sensors
from dap_core.offline.settings import OfflineSettings
from dap_core.offline.topics import IMAGE, namespace_of, panoramas
from dap_core.panorama_input import PanoramaInput

#: Frames that the checks look at, and seconds around each in which truth is tried.
PROBES, WINDOW_S = 16, 0.6
_PROBE_POINTS = 12_000

#: Metres to which a recorded depth is taken to reach, unless it is said.
RECORDED_LIMIT_M = 100.0

#: Called with what is being done, how many steps are done, and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EvalOptions:
    """What is compared with what.

    truth          topic of a range image, PointCloud2 or LaserScan
    depth          topic of a range image; "" to run the model on `topic` ("": the only panoramas)
    extrinsics     YAML file (`read_extrinsics`); None for the bag's transforms
    fixed_frame    frame of /tf through which motion between two stamps is undone; "" to leave it
    max_dt_s       seconds between the stamps of a pair, at most
    time_offset_s  seconds added to the truth's stamps
    scale          metres of one unit of the truth
    min_range_m    what the truth has nearer is the robot
    max_range_m    truth beyond is not compared; None: the model's limit, 100 m for a recorded depth
    """

    truth: str
    depth: str = ""
    topic: str = ""
    imu: str = ""
    extrinsics: Path | None = None
    fixed_frame: str = ""
    max_dt_s: float = 0.05
    time_offset_s: float = 0.0
    scale: float = 1.0
    min_range_m: float = 0.3
    max_range_m: float | None = None


@dataclass(frozen=True)
class FrameFigures:
    """One pair.

    stamp_s   of the picture
    dt_s      the truth's stamp minus the picture's
    points    points, or pixels, that were compared
    hidden    share of the truth that the camera cannot see
    missed    share of the truth within the model's range that the depth calls far
    ratio     median of depth / truth
    metrics   over these points
    """

    stamp_s: float
    dt_s: float
    points: int
    hidden: float
    missed: float
    ratio: float
    metrics: DepthMetrics


@dataclass
class BagEvaluation:
    """What came out: figures by frame, sums by region (see `region_sums`), checks, and frames to show."""

    bag: str
    options: EvalOptions
    source: str
    truth_type: str
    start_s: float
    frames: list[FrameFigures] = field(default_factory=list)
    sums: Any = 0.0
    unpaired: int = 0
    faults: list[str] = field(default_factory=list)
    checks: Checks = field(default_factory=Checks)
    probes: list[tuple[float, Probe]] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median over frames of depth / truth."""
        return float(np.median([f.ratio for f in self.frames]))

    @property
    def metrics(self) -> DepthMetrics:
        """Over all points of all frames."""
        return metrics_of(self.sums[0, 0])


@dataclass(frozen=True)
class _Depth:
    """A depth to be measured: (h, 2 h) metres, its picture's stamp, its frames."""

    raw: Raw
    range_m: NDArray[np.float32]
    stamp_s: float
    frames: FrameNames
    limit_m: float


def evaluate_bag(
    path: Path,
    estimator: DepthEstimator | None,
    settings: OfflineSettings,
    options: EvalOptions,
    progress: Progress = lambda what, done, total: None,
) -> BagEvaluation:
    """Compare every depth of a bag with the truth nearest in time, and check the extrinsics and the clock.

    `estimator` is not asked where `options.depth` names a topic. Raises InputError where a topic is missing or of
    the wrong type, extrinsics are not known, or nothing could be compared; the message says what would help.
    """
    for name, value in (("--max-dt", options.max_dt_s), ("the truth's unit", options.scale)):
        if not 0.0 < value < np.inf:
            raise InputError(f"{name} is a positive number, got {value}")
    given = None if options.extrinsics is None else read_extrinsics(options.extrinsics)
    with ExitStack() as stack:
        bag = stack.enter_context(open_bag(path))
        topic = _depth_topic(bag, options, settings)
        found = BagEvaluation(str(path), options, topic, bag.need(options.truth).type, 1e-9 * bag.start_ns)
        total = bag.topics[topic].count
        truth_options = TruthOptions(options.truth, options.time_offset_s, options.scale, options.min_range_m)
        track = stack.enter_context(TruthTrack(path, truth_options, max(WINDOW_S, options.max_dt_s)))
        sensors = stack.enter_context(Sensors(path, moving=True))
        extrinsics = Extrinsics(given, sensors, options.fixed_frame)
        probed = set(np.linspace(0, total - 1, min(total, PROBES)).astype(int).tolist())
        clocks: list[float] = []
        for index, depth in enumerate(_depths(bag, topic, estimator, settings, options, stack, found.faults)):
            progress("frames", index + 1, total)
            if depth is None:
                continue
            clocks.append(depth.stamp_s - 1e-9 * depth.raw.stamp_ns)
            sensors.advance(depth.stamp_s, depth.raw.stamp_ns)
            near = track.near(depth.stamp_s, depth.raw.stamp_ns)
            try:
                _take(found, depth, near, extrinsics, index in probed)
            except InputError as error:
                if not found.frames and not found.faults:
                    raise
                found.faults.append(f"{depth.stamp_s:.3f} s: {error}")
        if not found.frames:
            raise InputError(_nothing(found, clocks, track.ahead_s))
    progress("checking extrinsics and clock", total, total)
    found.checks = check([probe for _, probe in found.probes])
    return found


def _take(found: BagEvaluation, depth: _Depth, near: list[Truth], extrinsics: Extrinsics, probed: bool) -> None:
    """Add one frame's figures, where it has a truth near enough in time."""
    nearest = min(near, key=lambda t: abs(t.stamp_s - depth.stamp_s), default=None)
    if nearest is None or abs(nearest.stamp_s - depth.stamp_s) > found.options.max_dt_s:
        found.unpaired += 1
        return
    if not found.frames and (doubt := nearest.doubt()):
        raise InputError(f"{found.options.truth} {doubt}")
    still = extrinsics.still(nearest.sensor_frame(depth.frames), depth.frames, depth.stamp_s)
    figures, sums = _compare(found, depth, nearest, extrinsics, still)
    if figures is not None:
        found.frames.append(figures)
        found.sums = found.sums + sums
    if probed:
        found.probes.append((depth.stamp_s, _probe(depth, near, still)))


def _compare(
    found: BagEvaluation, depth: _Depth, truth: Truth, extrinsics: Extrinsics, still: Pose
) -> tuple[FrameFigures | None, NDArray[np.float64]]:
    """Figures of a pair, None where not a point could be compared, and its sums by region."""
    pose = extrinsics.pose(truth.sensor_frame(depth.frames), depth.frames, truth.stamp_s, depth.stamp_s)
    height = depth.range_m.shape[0]
    if truth.kind == IMAGE and np.array_equal(pose.rotation, np.eye(3)) and not pose.translation.any():
        true = resize_nearest(truth.range_m, height)
        said, hidden, known = depth.range_m, 0.0, np.isfinite(true)
    else:
        placed = pose(truth.points)
        seen = visible(placed)
        hidden = 1.0 - float(seen.mean()) if len(seen) else 0.0
        placed = placed[seen]
        said, true = np.full((2, height, 2 * height), np.nan)
        # One point for each pixel, the nearest.
        placed = placed[np.argsort(-np.linalg.norm(placed, axis=1))]
        columns, rows = cells(placed, height)
        true[rows, columns] = np.linalg.norm(placed, axis=1)
        said[rows, columns] = range_along(depth.range_m, placed)
        known = np.isfinite(true)
    known &= true <= depth.limit_m
    missed = float(np.isposinf(said[known]).mean()) if known.any() else 0.0
    use = known & np.isfinite(said) & (said > 0)
    sums = region_sums(said, true, use)
    if not use.any():
        return None, sums
    ratio = float(np.median(said[use] / true[use]))
    figures = FrameFigures(
        depth.stamp_s,
        truth.stamp_s - depth.stamp_s,
        int(use.sum()),
        hidden,
        missed,
        ratio,
        metrics_of(sums[0, 0]),
    )
    return figures, sums


def _probe(depth: _Depth, near: list[Truth], still: Pose) -> Probe:
    """What the checks need of a frame: a few thousand visible points of each truth around it."""
    sets = []
    for truth in near:
        points = truth.sample(_PROBE_POINTS)
        sets.append(points[visible(still(points))].astype(np.float32))
    offsets = np.array([depth.stamp_s - t.stamp_s for t in near])
    return Probe(depth.range_m.astype(np.float32), still, offsets, tuple(sets))


def _depth_topic(bag: Bag, options: EvalOptions, settings: OfflineSettings) -> str:
    if options.depth:
        return bag.need(options.depth, IMAGE).name
    check_shape = PanoramaInput(settings.config.panorama).check_shape
    topics = panoramas(bag, (options.topic,) if options.topic else (), check_shape)
    if len(topics) > 1:
        raise InputError(f"{bag.path}: there are panoramas on {' and '.join(topics)}: name one with --topic")
    return topics[0]


def _depths(
    bag: Bag,
    topic: str,
    estimator: DepthEstimator | None,
    settings: OfflineSettings,
    options: EvalOptions,
    stack: ExitStack,
    faults: list[str],
) -> Iterator[_Depth | None]:
    """Every depth of a bag in the order of recording; None, with a line in `faults`, for one that cannot be used."""
    camera = None
    if not options.depth:
        assert estimator is not None
        camera = stack.enter_context(open_camera(bag, estimator, settings, namespace_of(topic), options.imu))

    def measured(raw: Raw) -> _Depth:
        message = bag.decode(raw)
        if camera is None:
            frames = FrameNames.of(message.header.frame_id, settings.config.frame)
            limit = options.max_range_m or RECORDED_LIMIT_M
            return _Depth(raw, range_image(message), 1e-9 * stamp_ns(message), frames, limit)
        taken = camera.take(raw, message)
        limit = options.max_range_m or taken.frame.level.max_range_m
        return _Depth(raw, taken.frame.depth.range_m, 1e-9 * taken.stamp_ns, taken.frames, limit)

    for raw in bag.raw([topic]):
        depth = None
        with _listed(faults, f"{topic} {1e-9 * (raw.stamp_ns - bag.start_ns):.3f} s from the start"):
            depth = measured(raw)
        yield depth


@contextmanager
def _listed(faults: list[str], where: str) -> Iterator[None]:
    """Bad input inside is a line in `faults`."""
    try:
        yield
    except InputError as error:
        faults.append(f"{where}: {error}")


def _nothing(found: BagEvaluation, clocks: list[float], truth_clocks: list[float]) -> str:
    """Why nothing could be compared, and what would help."""
    if found.faults:
        return f"{found.source}: no depth could be used: {found.faults[0]}"
    if not found.unpaired:
        return f"no point of {found.options.truth} lies where {found.source} has depth: are the extrinsics right?"
    text = f"no {found.options.truth} within {found.options.max_dt_s:g} s of any depth on {found.source}"
    if clocks and truth_clocks:
        # Stamps against the recorder's clock: two sensors of one clock lag behind it by their latencies alone.
        apart = float(np.median(clocks) - np.median(truth_clocks))
        if abs(apart) > max(0.2, found.options.max_dt_s):
            text += f": their clocks are about {abs(apart):.2f} s apart, try --time-offset {apart:.2f}"
        else:
            text += "; try a larger --max-dt"
    return text
