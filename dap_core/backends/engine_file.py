"""A TensorRT engine in a file: what it was built from and for, a picture to try it on, and a checksum over all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import mmap
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError
from dap_core.io.atomic import written_beside

#: `EngineKey.rules`: to be raised when `dap_core.export.typed_graph` types graphs differently, so that engines built by
#: the old rules are not taken for new.
GRAPH_RULES = 2

_MAGIC = b"DAPENG1\n"
_DIGEST = hashlib.sha256().digest_size
_HEAD = len(_MAGIC) + _DIGEST
#: Enough for any header; a length beyond is damage.
_LARGEST_HEADER = 1 << 20


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on; its resolution is in the file whose hash is here."""

    onnx_sha256: str
    precision: str
    batch: int
    rules: int
    tensorrt: str
    gpu: str
    compute_capability: str
    driver: str

    def digest(self) -> str:
        """64 hexadecimal digits, another for every other key."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, wanted: EngineKey, *, machine_only: bool = False) -> str:
        """What is not as wanted ("tensorrt 10.3.0, here 11.4.0"), or nothing."""
        ours, theirs = dataclasses.asdict(self), dataclasses.asdict(wanted)
        names = _MACHINE if machine_only else tuple(ours)
        return "; ".join(f"{n} {ours[n]}, here {theirs[n]}" for n in names if ours[n] != theirs[n])


_MACHINE = ("tensorrt", "gpu", "compute_capability", "driver")


@dataclass(frozen=True)
class Engine:
    """A built engine and how to know that it does what it should.

    `image` (1, H, W, 3) uint8 is to be run after loading; every `stride`-th row and column of the outputs is then to be
    as `range_m` and `far` (1, h, w), which ONNX Runtime gave. `report` has a line per comparison made at build.
    """

    key: EngineKey
    spec: ModelSpec
    report: tuple[str, ...]
    image: NDArray[np.uint8]
    range_m: NDArray[np.float32]
    far: NDArray[np.float32]
    stride: int
    plan: bytes | memoryview


def write_engine(path: Path, engine: Engine) -> None:
    """Write the file whole or not at all; InputError where it cannot be written (a full disk, say)."""
    parts = [zlib.compress(engine.image.tobytes(), 6), engine.range_m.tobytes(), engine.far.tobytes(), engine.plan]
    header = {
        "key": dataclasses.asdict(engine.key),
        "spec": engine.spec.to_metadata(),
        "report": engine.report,
        "shapes": [engine.image.shape, engine.range_m.shape, engine.far.shape],
        "stride": engine.stride,
        "bytes": [len(part) for part in parts],
    }
    text = json.dumps(header).encode()
    body = [len(text).to_bytes(8, "little"), text, *parts]
    digest = hashlib.sha256()
    for part in body:
        digest.update(part)
    write_whole(path, [_MAGIC, digest.digest(), *body])


def read_engine(path: Path) -> Engine:
    """Read and verify; the plan stays a view of the file. InputError where a byte is not as it was written."""
    try:
        with open(path, "rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'it is empty'}") from None
    if bytes(view[: len(_MAGIC)]) != _MAGIC:
        raise InputError(f"{path}: not an engine of this project: make one with `dap export tensorrt`")
    if len(view) < _HEAD or hashlib.sha256(view[_HEAD:]).digest() != bytes(view[len(_MAGIC) : _HEAD]):
        raise InputError(f"{path}: damaged, its checksum does not fit: delete it, or build it again")
    try:
        return _parsed(view, path)
    except (KeyError, TypeError, ValueError, zlib.error):
        raise InputError(f"{path}: written by another version: delete it, or build it again") from None


def _parsed(view: memoryview, path: Path) -> Engine:
    length = int.from_bytes(view[_HEAD : _HEAD + 8], "little")
    if length > _LARGEST_HEADER:
        raise ValueError("header")
    at = _HEAD + 8 + length
    header: Mapping[str, Any] = json.loads(bytes(view[_HEAD + 8 : at]))
    parts = []
    for size in header["bytes"]:
        parts.append(view[at : at + size])
        at += size
    if at != len(view) or len(parts) != 4:
        raise ValueError("parts")
    shapes = [tuple(shape) for shape in header["shapes"]]
    return Engine(
        key=EngineKey(**header["key"]),
        spec=ModelSpec.from_metadata(header["spec"], path),
        report=tuple(header["report"]),
        image=np.frombuffer(zlib.decompress(parts[0]), np.uint8).reshape(shapes[0]),
        range_m=np.frombuffer(parts[1], np.float32).reshape(shapes[1]),
        far=np.frombuffer(parts[2], np.float32).reshape(shapes[2]),
        stride=int(header["stride"]),
        plan=parts[3],
    )


def write_whole(path: Path, parts: list[bytes | memoryview]) -> None:
    """The parts one after another, atomically; InputError where they cannot be written."""
    try:
        with written_beside(path) as temporary, open(temporary, "wb") as file:
            file.writelines(parts)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def file_sha256(path: Path) -> str:
    """SHA-256 of an exported model, of its weights beside it too where it has any."""
    digest = hashlib.sha256()
    for part in (path, Path(f"{path}.data")):
        if part.is_file():
            with open(part, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()
