"""Scenes on disk, made on demand: scene i of a store is `make_sample(base_seed + i)`."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.images import decode_image
from training.data.range_code import decode_range, encode_range

MANIFEST = "manifest.json"
MAGIC = b"DAPWORLD"
HEADER = struct.Struct("<8sIII")


class WorldsStore:
    """A folder of scenes; what is missing is made when it is asked for. Several processes may share a folder.

    Scenes are of all kinds, or of `kinds` in turns.

    `store[i]` is (image (H, 2 H, 3) uint8 RGB, range_m (H, 2 H) f32 with +inf beyond 100 m, kind). Raises InputError
    when the folder holds scenes of another generator version, seed or height, or a file in it is damaged.
    """

    def __init__(
        self,
        folder: str | Path,
        base_seed: int,
        height: int = 256,
        device: str = "cpu",
        kinds: Sequence[str] = (),
    ) -> None:
        from training.worlds.sample import VERSION

        self.folder = Path(folder)
        self.base_seed, self.height, self.device = int(base_seed), int(height), device
        self.kinds = tuple(kinds)
        manifest: dict[str, object] = {"generator": VERSION, "base_seed": self.base_seed, "height": self.height}
        if self.kinds:
            manifest["kinds"] = list(self.kinds)
        path = self.folder / MANIFEST
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _write(path, json.dumps(manifest).encode())
            found = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be used as a manifest ({error}); give an empty folder") from error
        if found != manifest:
            raise InputError(f"{self.folder} holds scenes of {found}, asked for {manifest}; give another folder")

    def path(self, index: int) -> Path:
        """The file of scene `index`, there or not."""
        return self.folder / f"{index // 1000:04d}" / f"{index:07d}.world"

    def __contains__(self, index: int) -> bool:
        return self.path(index).exists()

    def make(self, index: int) -> None:
        """Make scene `index` and write it, whether it is there or not."""
        from training.worlds.sample import make_sample

        kind = self.kinds[index % len(self.kinds)] if self.kinds else None
        sample = make_sample(self.base_seed + index, self.height, self.device, kind)
        options = [cv2.IMWRITE_PNG_COMPRESSION, 3]
        ok, png = cv2.imencode(".png", encode_range(sample.range_m), options)
        if not ok:
            raise RuntimeError(f"OpenCV could not encode the range of scene {index}")
        name = sample.kind.encode()
        blob = HEADER.pack(MAGIC, len(name), len(sample.jpeg), len(png)) + name + sample.jpeg + png.tobytes()
        path = self.path(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, blob)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32], str]:
        if index < 0:
            raise IndexError(f"scenes are numbered from 0, got {index}")
        path = self.path(index)
        if not path.exists():
            self.make(index)
        blob = path.read_bytes()
        try:
            magic, kind, jpeg, png = HEADER.unpack_from(blob)
            ends = np.cumsum([HEADER.size, kind, jpeg, png])
            if magic != MAGIC or ends[3] != len(blob):
                raise ValueError("not a whole scene")
            image = decode_image(blob[ends[1] : ends[2]])
            codes = cv2.imdecode(np.frombuffer(blob, np.uint8, offset=int(ends[2])), cv2.IMREAD_UNCHANGED)
            if codes is None or codes.shape != image.shape[:2]:
                raise ValueError("the range is unreadable")
        except (ValueError, struct.error) as error:
            raise InputError(f"{path} is damaged ({error}); delete it and it is made again") from error
        return (
            image.astype(np.uint8, copy=False),
            decode_range(codes.astype(np.uint16, copy=False)),
            blob[HEADER.size : ends[1]].decode(),
        )


def _write(path: Path, data: bytes) -> None:
    """Write beside and rename, so that a reader sees all of it or nothing."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(data)
    os.replace(beside, path)
