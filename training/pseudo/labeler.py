"""A labeler: a checkpoint of the model, and the labels that it gives to panoramas."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dap_core.errors import InputError
from dap_core.model import load_checkpoint
from training.data.batches import to_network
from training.data.range_code import UNKNOWN, decode_range, encode_range
from training.data.shards import file_sha256


class Labeler:
    """The model of a checkpoint on a device ("auto": the GPU where there is one); known by the file's sha256."""

    def __init__(self, checkpoint: Path, device: str = "auto") -> None:
        self.device = chosen_device(device)
        self.model = load_checkpoint(checkpoint).to(self.device)
        self.limit_m = float(self.model.config.max_range_m)
        self.far_beyond_m = self.model.config.far_beyond_m
        self.sha256 = file_sha256(Path(checkpoint))

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Ranges (B, H, W) float32 metres on the CPU of images (B, H, W, 3) uint8, just as label files keep them: in
        16-bit logarithmic steps.

        A label says as much as the labeler knows. Far is +inf where its mask has the model's limit for a threshold;
        with a nearer one, far is the range that the depth says, or the threshold where that is more. So labels serve
        any threshold that the next stage has.
        """
        images = images.to(self.device)
        x, _ = to_network(images, torch.ones(images.shape[:-1], device=self.device), self.limit_m)
        depth, far = self.model(x)
        metres = depth.float() * self.limit_m
        if self.far_beyond_m is None:
            return as_kept(metres)
        # Beyond the threshold by more than a step of the label, lest rounding bring it back.
        least = math.inf if self.far_beyond_m == self.limit_m else 1.0002 * self.far_beyond_m
        return as_kept(torch.where(far.float() > 0.5, metres.clamp(min=least), metres.clamp(max=self.far_beyond_m)))


def as_kept(range_m: Tensor) -> Tensor:
    """Ranges (B, H, W) as they come back from a label file, on the CPU: in log steps, +inf far, nan unknown."""
    metres = range_m.cpu().numpy()
    codes = encode_range(metres)
    unknown = np.isnan(metres) | (codes == UNKNOWN)
    return torch.from_numpy(np.where(unknown, np.float32(np.nan), decode_range(codes)))


def chosen_device(device: str) -> torch.device:
    """The device of a name; "auto" is the GPU where there is one. InputError where there is none of that name."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"no {device} on this machine: use cpu, or auto")
    return torch.device(device)
