"""Panoramas without depth: folders of pictures and of 360-degree videos, of which frames are taken."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.images import IMAGE_SUFFIXES, read_image
from training.data.resize import resized
from training.data.sample import DOMAINS, Domain, Sample

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".360"})
Classifier = Callable[[NDArray[np.uint8]], Domain]


@dataclass(frozen=True)
class Unlabelled:
    """Every picture and every video under a folder, upright and equirectangular already.

    Of a video a frame each `every_s` seconds, at most `per_video`; its group is the video, a picture's its folder.
    `domains` is a CSV file of `path,indoor` or `path,outdoor` lines, where a path is a file's or a folder's, relative
    to the root, and the longest that fits counts; what it leaves open is asked of `classifier`, which is named
    `package.module:function` and called with (H, 2 H, 3) uint8 RGB, and is otherwise "unknown".
    """

    root: Path
    every_s: float = 2.0
    per_video: int = 50
    domains: Path | None = None
    classifier: str | None = None

    kind: ClassVar[str] = "unlabelled"
    labelled: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.every_s > 0 or self.per_video < 1:
            raise InputError(
                f"a video gives a frame each N > 0 seconds, at least 1; got {self.every_s}, {self.per_video}"
            )

    def sources(self) -> Sequence[str]:
        self._listed, self._asked  # noqa: B018  a bad list or classifier is reported before any work
        wanted = IMAGE_SUFFIXES | VIDEO_SUFFIXES
        found = [
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if path.suffix.lower() in wanted and path.is_file() and not path.name.startswith(".")
        ]
        if not found:
            raise InputError(f"no pictures or videos in {self.root}")
        return sorted(found)

    def read(self, source: str, height: int) -> Iterator[Sample]:
        path = self.root / source
        if path.suffix.lower() in VIDEO_SUFFIXES:
            for second, frame in self._frames(path):
                image = resized(frame, height)
                yield Sample(f"{source}@{second:.1f}s", image, None, source, self._domain(source, image))
        else:
            image = resized(read_image(path), height)
            yield Sample(source, image, None, str(Path(source).parent), self._domain(source, image))

    def _frames(self, path: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        video = cv2.VideoCapture(str(path))
        try:
            rate = video.get(cv2.CAP_PROP_FPS)
            if not video.isOpened() or not 0.0 < rate < 1000.0:
                raise InputError(f"{path}: not a video that can be decoded")
            number, taken = 0, 0
            while taken < self.per_video and video.grab():
                if number >= taken * self.every_s * rate - 1e-6:
                    ok, frame = video.retrieve()
                    if not ok:
                        break
                    yield number / rate, np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
                    taken += 1
                number += 1
            if not taken:
                raise InputError(f"{path}: a video without frames")
        finally:
            video.release()

    def _domain(self, source: str, image: NDArray[np.uint8]) -> Domain:
        for path in (source, *(parent.as_posix() for parent in Path(source).parents)):
            if path in self._listed:
                return self._listed[path]
        if self._asked is None:
            return "unknown"
        answer = self._asked(image)
        if answer not in DOMAINS:
            raise InputError(f"{self.classifier} must answer {', '.join(DOMAINS)}, got {answer!r}")
        return answer

    @cached_property
    def _listed(self) -> dict[str, Domain]:
        if self.domains is None:
            return {}
        try:
            rows = list(csv.reader(self.domains.read_text().splitlines()))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"cannot read {self.domains}: {error}") from None
        listed: dict[str, Domain] = {}
        for number, row in enumerate(rows, 1):
            if len(row) != 2 or (domain := row[1].strip()) not in DOMAINS:
                raise InputError(f"{self.domains}, line {number}: `path,indoor` or `path,outdoor` is wanted, got {row}")
            listed[row[0].strip().rstrip("/")] = DOMAINS[DOMAINS.index(domain)]
        return listed

    @cached_property
    def _asked(self) -> Classifier | None:
        if self.classifier is None:
            return None
        module, _, name = self.classifier.partition(":")
        try:
            found: Classifier = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise InputError(f"no classifier {self.classifier!r} ({error}); name it package.module:function") from None
        return found
