"""A bag through the model: every panorama's depth, masks, points and scan beside everything that was recorded."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_core.io.bag_reader import Bag, Raw, open_bag
from dap_core.io.bag_writer import storage_of
from dap_core.offline.camera import Camera, memory_s, open_camera
from dap_core.offline.outputs import OUTPUTS, messages_of, offered_qos
from dap_core.offline.segments import LazyWriter, Segments, Span, spans
from dap_core.offline.settings import OfflineSettings
from dap_core.offline.topics import namespace_of, panoramas
from dap_core.panorama_input import PanoramaInput

#: Changes where the same input would give another output.
_VERSION = 1


@dataclass(frozen=True)
class RunOptions:
    """What of a bag is processed, and how the result is written.

    topics      of panoramas; empty: all that are found
    namespace   of the outputs, for a single camera; None: each image topic's own
    imu         topic of the IMU; empty: `<namespace>/imu`, or the only one there is
    exclude     topics that are not passed on
    replace     leave out recorded topics of the outputs' names, instead of refusing the bag
    storage     mcap or sqlite3; None: by the suffix of the output
    compressed  with zstd, where a reader can know it
    """

    topics: tuple[str, ...] = ()
    namespace: str | None = None
    imu: str = ""
    exclude: tuple[str, ...] = ()
    replace: bool = False
    storage: str | None = None
    compressed: bool = True


@dataclass
class RunReport:
    """What was done: frames processed and refused (with the first faults, by line), segments found done already."""

    frames: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)
    resumed: int = 0
    started_anew: bool = False
    namespaces: dict[str, str] = field(default_factory=dict)

    def add(self, result: dict[str, Any]) -> None:
        """Count a segment."""
        self.frames += result["frames"]
        self.refused += result["refused"]
        self.faults = (self.faults + result["faults"])[:_FAULTS]


#: Faults that are told in full.
_FAULTS = 5

#: Called with what is being done, how many steps are done, and how many there are.
Progress = Callable[[str, int, int], None]


def run_bag(
    source: Path,
    out: Path,
    estimator: DepthEstimator,
    settings: OfflineSettings,
    options: RunOptions = RunOptions(),
    progress: Progress = lambda what, done, total: None,
) -> RunReport:
    """Write `out`: all messages of `source` as they are, and after every panorama its outputs, as the node names and
    fills them, recorded at the panorama's own recording stamp.

    The work is kept in `<out>.part` segment by segment; called again, it goes on. `out` appears when it is whole.
    Raises InputError for a bag that cannot be read or has no panoramas, and where `out` exists.
    """
    storage = storage_of(out, options.storage)
    with open_bag(source) as bag:
        work = _Work(bag, estimator, settings, options, progress)
        segments = Segments(out, work.job())
        report = RunReport(started_anew=segments.started_anew, namespaces=work.namespaces)
        plan = spans(bag.start_ns, bag.end_ns, work.total)
        done = list(itertools.takewhile(lambda r: r is not None, map(segments.result, range(len(plan)))))
        for result in done:
            report.add(result or {})
        report.resumed = first = len(done)
        if first < len(plan):
            # Filters that remember are put back to where they were by the segments before.
            forgotten_ns = plan[first].start_ns - round(1e9 * memory_s(settings.config))
            warm = [span for span in plan[:first] if span.stop_ns > forgotten_ns and memory_s(settings.config)]
            with work.cameras(min(span.start_ns for span in [*warm, plan[first]])):
                work.done = report.frames + report.refused
                for span in warm:
                    work.warm_up(span)
                for index in range(first, len(plan)):
                    with segments.open(index) as lazy:
                        result = work.segment(plan[index], lazy)
                    segments.finish(index, result)
                    report.add(result)
    # Of a single .db3 nothing says that its messages are compressed.
    compressed = options.compressed and out.suffix != ".db3"
    segments.join(len(plan), storage, compressed, lambda i: progress("joining", i + 1, len(plan)))
    return report


class _Work:
    """The cameras of one bag and the segments that are made of them; `done` of `total` panoramas are through."""

    def __init__(
        self, bag: Bag, estimator: DepthEstimator, settings: OfflineSettings, options: RunOptions, progress: Progress
    ) -> None:
        self._bag, self._estimator, self._settings, self._options = bag, estimator, settings, options
        self._progress = progress
        self._cameras: dict[str, Camera] = {}
        check_shape = PanoramaInput(settings.config.panorama).check_shape
        topics = panoramas(bag, options.topics, check_shape)
        self.namespaces = _namespaces(bag, topics, options)
        self.done, self.total = 0, sum(bag.topics[t].count for t in topics)
        replaced = {f"{namespace}/{name}" for namespace in self.namespaces.values() for name in OUTPUTS}
        self._passed = {name for name in bag.topics if name not in {*options.exclude, *replaced}}

    @contextmanager
    def cameras(self, start_ns: int) -> Iterator[None]:
        """The cameras are open, their sensors from a time in the bag on."""
        with ExitStack() as stack:
            self._cameras = {
                topic: stack.enter_context(
                    open_camera(
                        self._bag, self._estimator, self._settings, namespace, self._options.imu, start_ns=start_ns
                    )
                )
                for topic, namespace in self.namespaces.items()
            }
            yield

    def warm_up(self, span: Span) -> None:
        """Take a segment's panoramas through the filters, without writing."""
        for raw in self._bag.raw(list(self._cameras), span.start_ns, span.stop_ns):
            with suppress(InputError):
                self._cameras[raw.topic].take(raw, self._bag.decode(raw))

    def segment(self, span: Span, lazy: LazyWriter) -> dict[str, Any]:
        """Write one segment; its figures."""
        frames, faults = 0, []
        for raw in self._bag.raw(sorted({*self._passed, *self._cameras}), span.start_ns, span.stop_ns):
            if raw.topic in self._passed:
                lazy.writer.write_like(raw.connection, raw.stamp_ns, raw.data)
            if raw.topic in self._cameras:
                fault = self._frame(raw, lazy)
                frames += fault is None
                faults += [fault] if fault else []
                self.done += 1
                self._progress("panoramas", self.done, self.total)
        return {"frames": frames, "refused": len(faults), "faults": faults[:_FAULTS]}

    def _frame(self, raw: Raw, lazy: LazyWriter) -> str | None:
        """Write one panorama's outputs; why not, where it cannot be used."""
        try:
            taken = self._cameras[raw.topic].take(raw, self._bag.decode(raw))
        except InputError as error:
            at = 1e-9 * (raw.stamp_ns - self._bag.start_ns)
            return f"{raw.topic} {at:.3f} s from the start: {str(error).removeprefix(f'{self._bag.path}: ')}"
        for topic, message in messages_of(taken, self.namespaces[raw.topic], self._settings.config):
            lazy.writer.write(topic, message, raw.stamp_ns, offered_qos())
        return None

    def job(self) -> dict[str, Any]:
        """Everything that the segments depend on."""
        return {
            "version": _VERSION,
            "source": str(self._bag.path.resolve()),
            "files": [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in self._bag.files],
            "model": self._estimator.spec.weights_sha256,
            "config": dataclasses.asdict(self._settings.config),
            "mounts": {name: dataclasses.asdict(mount) for name, mount in self._settings.mounts.items()},
            "namespaces": self.namespaces,
            "exclude": sorted(self._options.exclude),
            "imu": self._options.imu,
        }


def _namespaces(bag: Bag, topics: tuple[str, ...], options: RunOptions) -> dict[str, str]:
    """Namespace of the outputs of every image topic. Raises InputError where two would meet, or recorded topics."""
    if options.namespace is not None and len(topics) > 1:
        raise InputError(f"a namespace is for one camera, and there are {', '.join(topics)}: name one with --topic")
    chosen = None if options.namespace is None else f"/{options.namespace.strip('/')}".rstrip("/")
    namespaces = {t: namespace_of(t) if chosen is None else chosen for t in topics}
    if len(set(namespaces.values())) < len(topics):
        raise InputError(f"the outputs of {' and '.join(topics)} would have the same names: name one with --topic")
    taken = [f"{ns}/{name}" for ns in namespaces.values() for name in OUTPUTS if f"{ns}/{name}" in bag.topics]
    if taken and not options.replace:
        raise InputError(
            f"{bag.path} has {taken[0]} already: --replace leaves that out, --namespace gives ours another place"
        )
    return namespaces
