"""PyTorch in float32: runs a checkpoint as it is, and is the reference that exports are compared with."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dap_core.backends import check_batch
from dap_core.backends.spec import IMAGENET_MEAN, IMAGENET_STD, ModelSpec


class PanoramaNetwork(nn.Module):
    """A model with its surroundings: (B, H, W, 3) uint8 RGB in, range in metres and far probability out.

    This is the function that `dap_core.export` traces and that the torch backend runs, so both are one definition.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, max_range_m: float) -> None:
        super().__init__()
        self.model = model
        self.max_range_m = float(max_range_m)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, H, W, 3) uint8 to range_m (B, H, W) metres and far (B, H, W)."""
        x = (image.permute(0, 3, 1, 2).float() / 255.0 - self.mean) / self.std
        depth, far = self.model(x)
        return depth * self.max_range_m, far


class TorchBackend:
    """A checkpoint in eager PyTorch."""

    name = "torch"

    def __init__(
        self, network: nn.Module, spec: ModelSpec, device: torch.device, reason: str, precision: str = "float32"
    ) -> None:
        self.spec = spec
        self.device = device.type
        self.precision = precision
        self.reason = reason
        self._device = device
        self._network: nn.Module | None = network.eval().to(device)

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `dap_core.backends.Backend`."""
        if self._network is None:
            raise RuntimeError("the backend is closed")
        check_batch(images, self.spec)
        with torch.inference_mode():
            range_m, far = self._network(torch.from_numpy(np.ascontiguousarray(images)).to(self._device))
        return range_m.float().cpu().numpy(), far.float().cpu().numpy()

    def close(self) -> None:
        """Free the weights."""
        self._network = None


def open_model(path: Path, threads: int) -> TorchBackend:
    """Open a checkpoint, on CUDA where there is one, else with `threads` CPU threads (torch has one such setting for
    the whole process). Raises InputError for a file that is not a checkpoint of this project or a released one.
    """
    from dap_core.model import load_checkpoint

    model = load_checkpoint(path)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(threads)
    where = "CUDA" if device.type == "cuda" else f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    spec = spec_of(model)
    network = PanoramaNetwork(model, spec.max_range_m)
    return TorchBackend(network, spec, device, f"torch {torch.__version__} (float32, {where})")


def spec_of(model: nn.Module, height: int | None = None) -> ModelSpec:
    """The `ModelSpec` of a model of `dap_core.model`, at its own resolution or at `height` x 2 `height`."""
    config: Any = model.config
    height = int(config.height) if height is None else height
    return ModelSpec(
        name=str(config.name),
        height=height,
        width=2 * height,
        max_range_m=float(config.max_range_m),
        weights_sha256=weights_sha256(model),
        far_beyond_m=getattr(config, "far_beyond_m", float(config.max_range_m)),
    )


def weights_sha256(model: nn.Module) -> str:
    """SHA-256 over names, shapes and float32 values of the model's state, in the order of the names."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
