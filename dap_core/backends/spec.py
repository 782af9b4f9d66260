"""What an exported model says about itself, and how that is written into the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dap_core.errors import InputError

#: ImageNet statistics, of RGB in [0, 1]: what DINOv3 and every model of this project are fed.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_FORMAT = "1"
_FACTS = {
    "dap.format": _FORMAT,
    "dap.input": "image uint8 (B, H, W, 3) RGB equirectangular, normalised inside",
    "dap.output.range_m": "float32 (B, H, W) metres along the ray",
    "dap.output.far": "float32 (B, H, W) probability of lying beyond far_beyond_m",
    "dap.unit": "metre",
}


@dataclass(frozen=True)
class ModelSpec:
    """Name, resolution (pixels), range (metres), and hash of the weights of one model.

    No range is beyond `max_range_m`; what the model calls far lies beyond `far_beyond_m`, the threshold of its range
    mask, which is the same unless the model was trained otherwise, and None where it has no mask: then nothing is far.

    `weights_sha256` is over the float32 weights by name, so the checkpoint and everything exported from it agree.
    `weights_precision` is how the file stores them (float32 or float16); `mean` and `std` are applied inside.
    """

    name: str
    height: int
    width: int
    max_range_m: float
    weights_sha256: str
    weights_precision: str = "float32"
    far_threshold: float = 0.5  #: of the probability
    far_beyond_m: float | None = 100.0
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    @property
    def limit_m(self) -> float:
        """Metres beyond which the model gives no range: its threshold, or without a mask the end of its range."""
        return self.max_range_m if self.far_beyond_m is None else min(self.max_range_m, self.far_beyond_m)

    def to_metadata(self) -> dict[str, str]:
        """The `metadata_props` of an exported `.onnx`."""
        return {
            **_FACTS,
            "dap.name": self.name,
            "dap.height": str(self.height),
            "dap.width": str(self.width),
            "dap.max_range_m": repr(float(self.max_range_m)),
            "dap.far_threshold": repr(float(self.far_threshold)),
            "dap.far_beyond_m": "none" if self.far_beyond_m is None else repr(float(self.far_beyond_m)),
            "dap.weights_sha256": self.weights_sha256,
            "dap.weights_precision": self.weights_precision,
            "dap.mean": " ".join(map(repr, self.mean)),
            "dap.std": " ".join(map(repr, self.std)),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], source: object) -> ModelSpec:
        """Read what `to_metadata` wrote; InputError, naming `source`, where the file is not a DAP export."""
        if "dap.format" not in metadata:
            raise InputError(f"{source}: not a DAP export (no metadata in it): make one with `dap export onnx`")
        if metadata["dap.format"] != _FORMAT:
            raise InputError(
                f"{source}: export format {metadata['dap.format']!r}, this version reads {_FORMAT}: export it again"
            )
        try:
            spec = cls(
                name=metadata["dap.name"],
                height=int(metadata["dap.height"]),
                width=int(metadata["dap.width"]),
                max_range_m=float(metadata["dap.max_range_m"]),
                weights_sha256=metadata["dap.weights_sha256"],
                weights_precision=metadata["dap.weights_precision"],
                far_threshold=float(metadata["dap.far_threshold"]),
                far_beyond_m=_threshold(metadata.get("dap.far_beyond_m", metadata["dap.max_range_m"])),
                mean=_triple(metadata["dap.mean"]),
                std=_triple(metadata["dap.std"]),
            )
        except KeyError as error:
            raise InputError(f"{source}: damaged metadata, {error.args[0]} is missing: export it again") from None
        except ValueError as error:
            raise InputError(f"{source}: damaged metadata ({error}): export it again") from None
        if spec.height < 2 or spec.width != 2 * spec.height:
            raise InputError(f"{source}: damaged metadata, resolution {spec.width}x{spec.height} is not 2:1")
        metres = spec.max_range_m, spec.max_range_m if spec.far_beyond_m is None else spec.far_beyond_m
        if not (all(math.isfinite(m) and m > 0 for m in metres) and 0 < spec.far_threshold < 1):
            raise InputError(
                f"{source}: damaged metadata, max_range_m {spec.max_range_m}, far_beyond_m {spec.far_beyond_m}, "
                f"far_threshold {spec.far_threshold}"
            )
        return spec


def _threshold(text: str) -> float | None:
    return None if text == "none" else float(text)


def _triple(text: str) -> tuple[float, float, float]:
    r, g, b = map(float, text.split())
    return r, g, b
