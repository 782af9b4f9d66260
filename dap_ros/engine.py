"""What happens to images once they are there: prepared, through the network, published; of all cameras in turns.

In turn, one thread does the three steps of a frame one after the other. Overlapped, each step has a thread: the next
image is prepared and the last result published while the network runs. That pays where the network leaves the CPU's
cores alone. On two cores that it uses itself, frames a second rose by 1 to 3 %, and every frame was 3 ms later.

Nothing ever queues: a step begins with a frame when the step after it is free to take it, and the image is taken as
late as it can be prepared before the network is free.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from dap_core.backends import Backend
from dap_ros.newest_frame import NewestFrames

A = TypeVar("A", contravariant=True)
J = TypeVar("J")
T = TypeVar("T")

#: Frames whose times are taken for those of the next, and seconds by which it is prepared too early rather than late.
_RECENT, _MARGIN_S = 9, 5e-4


def off_cpu(backend: Backend) -> bool:
    """Whether a backend leaves the CPU to others while the network runs."""
    return backend.device != "cpu"


class Steps(Protocol[A, J]):
    """What one camera does with an image; the steps raise nothing, and each is called by one thread at a time."""

    def prepare(self, arrival: A) -> J | None:
        """The image made ready for the network, or None where there is nothing to do or it is refused."""

    def infer(self, job: J) -> bool:
        """Have the network run; whether it did."""

    def complete(self, job: J) -> None:
        """Publish what comes of it."""


class Engine(Generic[A, J]):
    """Runs the steps of several cameras, by name, from its making to `close`."""

    def __init__(self, cameras: Mapping[str, Steps[A, J]], overlap: bool) -> None:
        self._cameras = cameras
        self._newest: NewestFrames[A] = NewestFrames(list(cameras))
        self._ready: Handover[tuple[Steps[A, J], J]] = Handover()
        self._answered: Handover[tuple[Steps[A, J], J]] = Handover()
        self._pace = Pace()
        steps: dict[str, Callable[[], None]] = {"inference": self._in_turn}
        if overlap:
            steps = {"preparation": self._prepare, "inference": self._infer, "publication": self._complete}
        self._threads = [threading.Thread(target=step, name=name) for name, step in steps.items()]
        for thread in self._threads:
            thread.start()

    def put(self, camera: str, arrival: A) -> bool:
        """Leave an image; whether it displaced one that nothing had been done with."""
        return self._newest.put(camera, arrival)

    def offer(self, camera: str, arrival: A) -> None:
        """Leave an image, unless one of that camera waits already."""
        self._newest.offer(camera, arrival)

    def close(self) -> None:
        """Let what has been begun come to its end, drop what has not, and end the threads."""
        self._newest.close()
        for thread in self._threads:
            thread.join()

    def _in_turn(self) -> None:
        while (taken := self._newest.take()) is not None:
            camera, arrival = taken
            steps = self._cameras[camera]
            job = steps.prepare(arrival)
            if job is not None and steps.infer(job):
                steps.complete(job)

    def _prepare(self) -> None:
        while self._newest.wait():
            self._pace.wait()
            taken = self._newest.take()
            if taken is None:
                break
            camera, arrival = taken
            began = time.perf_counter()
            job = self._cameras[camera].prepare(arrival)
            if job is not None:
                self._pace.prepared(time.perf_counter() - began)
                self._ready.put((self._cameras[camera], job))
        self._ready.close()

    def _infer(self) -> None:
        while (taken := self._ready.take()) is not None:
            steps, job = taken
            with self._pace.network():
                if steps.infer(job):
                    self._answered.put(taken)
        self._answered.close()

    def _complete(self) -> None:
        while (taken := self._answered.take()) is not None:
            steps, job = taken
            steps.complete(job)


class Handover(Generic[T]):
    """From one thread to the next without a place to wait in: `put` returns when `take` has the thing."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._things: list[T] = []
        self._closed = False

    def put(self, thing: T) -> None:
        """Give a thing away; blocks until it is taken."""
        with self._condition:
            self._things.append(thing)
            self._condition.notify_all()
            while self._things:
                self._condition.wait()

    def take(self) -> T | None:
        """Wait for a thing; None once there will be no more."""
        with self._condition:
            while not self._things and not self._closed:
                self._condition.wait()
            if not self._things:
                return None
            self._condition.notify_all()
            return self._things.pop()

    def close(self) -> None:
        """Nothing more will be put."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class Pace:
    """When to begin with an image so that it is ready, and no older than need be, as the network comes free.

    From the medians of what recent preparations and runs of the network took.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._began: float | None = None
        self._networks: deque[float] = deque(maxlen=_RECENT)
        self._preparations: deque[float] = deque(maxlen=_RECENT)

    def prepared(self, seconds: float) -> None:
        """A preparation took so long."""
        with self._condition:
            self._preparations.append(seconds)

    @contextmanager
    def network(self) -> Iterator[None]:
        """While the network is not free."""
        began = time.perf_counter()
        with self._condition:
            self._began = began
        try:
            yield
        finally:
            with self._condition:
                self._began = None
                self._networks.append(time.perf_counter() - began)
                self._condition.notify_all()

    def wait(self) -> None:
        """Return when it is time to begin: at once while the network is idle."""
        with self._condition:
            while self._began is not None and self._networks:
                ahead = statistics.median(self._preparations) + _MARGIN_S if self._preparations else _MARGIN_S
                left = self._began + statistics.median(self._networks) - ahead - time.perf_counter()
                if left <= 0.0:
                    return
                self._condition.wait(left)
