"""The discriminator: a PatchGAN that tells maps of synthetic ground truth from those of a labeler, by depth alone.

It sees no colours, and no metres either: every map is divided by its own 98th percentile, so that nothing but the shape
of what is in it, its plausibility, tells the two apart.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.model.tiny import row_elevations

#: Of the near ranges of an image, what is taken as its scale.
PERCENTILE = 0.98
#: Key of the configuration in the file's metadata.
METADATA = "dap-discriminator"


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Everything that determines a discriminator.

    `layers` halvings of the resolution give each logit a view of 16, 34, 70, 142 pixels (1, 2, 3, 4 layers); the
    paper's is 70. Training is `steps` Adam steps on `batch` images, each as ground truth and as a fake.
    """

    layers: int = 3
    channels: int = 64  #: of the first layer, doubled by each, eightfold at most
    steps: int = 20_000
    batch: int = 16
    learning_rate: float = 2e-4
    seed: int = 0
    workers: int = 1
    checkpoint_every: int = 500
    log_every: int = 50

    def __post_init__(self) -> None:
        for name in ("layers", "channels", "steps", "batch", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise InputError(f"a discriminator's {name} must be at least 1, got {getattr(self, name)}")

    def determining(self) -> dict[str, Any]:
        """What the weights depend on."""
        return {key: value for key, value in dataclasses.asdict(self).items() if key not in _INCIDENTAL}


#: Of the configuration, what the weights do not depend on.
_INCIDENTAL = frozenset({"workers", "checkpoint_every", "log_every"})


def plausibility_input(range_m: Tensor) -> Tensor:
    """What the discriminator sees of ranges (B, H, W) in metres, +inf far, nan unknown: (B, 2, H, W) float32.

    The first channel is ln(range / scale), from -4 to 0, where scale is the 98th percentile of the image's near ranges;
    far and unknown are 0. The second is 1 where there is a range, else 0.
    """
    near = torch.isfinite(range_m) & (range_m > 0)
    log = torch.where(near, range_m, torch.ones_like(range_m)).float().log()
    scales = [
        torch.quantile(one[known], PERCENTILE) if known.any() else one.new_zeros(())
        for one, known in zip(log, near, strict=True)
    ]
    shape = (log - torch.stack(scales)[:, None, None]).clamp(-4.0, 0.0)
    return torch.stack([torch.where(near, shape, torch.zeros_like(shape)), near.float()], 1)


class PatchGan(nn.Module):
    """Logits of patches, high where a depth map looks like ground truth: (B, H, W) metres -> (B, H / 2^l, W / 2^l).

    Convolutions of 4x4 as in Isola et al. 2017, circular in azimuth, the rows repeated at the poles; rolling a map by
    multiples of 2^layers pixels rolls its logits.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.channels * min(2**k, 8) for k in range(config.layers + 1)]
        self.strides = [2] * config.layers + [1]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride)
            for before, after, stride in zip([2, *widths[:-1]], widths, self.strides, strict=True)
        )
        self.last = nn.Conv2d(widths[-1], 1, 4)

    def forward(self, range_m: Tensor) -> Tensor:
        """Logits of maps (B, H, W) in metres, +inf far, nan unknown; H and W multiples of 2^layers."""
        x = plausibility_input(range_m)
        for convolution, stride in zip(self.convolutions, self.strides, strict=True):
            x = F.leaky_relu(convolution(_around(x, stride)), 0.2)
        logits: Tensor = self.last(_around(x, 1))[:, 0]
        return logits

    def score(self, range_m: Tensor) -> Tensor:
        """(B,) mean of a map's logits by solid angle: high is plausible."""
        return sphere_mean(self(range_m))


def sphere_mean(logits: Tensor) -> Tensor:
    """(B,) mean of (B, h, w) over the sphere, each row weighted by the cosine of its latitude."""
    weight = row_elevations(logits.shape[-2], logits).cos()
    return (logits.mean(-1) * (weight / weight.sum())).sum(-1)


def adversarial_loss(discriminator: PatchGan, real: Tensor, fake: Tensor) -> tuple[Tensor, float]:
    """Mean over patches, by solid angle, of the logistic loss of maps (B, H, W), and the share of patches that are
    rightly told apart."""
    logits = discriminator(torch.cat([real, fake])).float()
    wanted = torch.cat([torch.ones(len(real)), torch.zeros(len(fake))]).to(logits.device)[:, None, None]
    loss = F.binary_cross_entropy_with_logits(logits, wanted.expand_as(logits), reduction="none")
    return sphere_mean(loss).mean(), float(((logits > 0) == (wanted > 0.5)).float().mean())


def _around(x: Tensor, stride: int) -> Tensor:
    """Margins of a 4x4 convolution that keeps H / stride x W / stride: 3 columns around at stride 1, else 2."""
    before, after = 1, 2 if stride == 1 else 1
    x = F.pad(x, (0, 0, before, after), mode="replicate")
    return torch.cat([x[..., -before:], x, x[..., :after]], -1)


def save_discriminator(discriminator: PatchGan, path: Path) -> None:
    """Write the weights as safetensors with the configuration inside; the same weights give the same bytes.

    Written beside and renamed; InputError where it cannot be.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in discriminator.state_dict().items()}
    metadata = {METADATA: json.dumps(discriminator.config.determining(), sort_keys=True)}
    try:
        with written_beside(path) as beside:
            save_file(tensors, beside, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


def load_discriminator(path: str | Path) -> PatchGan:
    """What `save_discriminator` wrote, in eval mode on the CPU; InputError for a file that is not one."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no discriminator {path}; dap pseudo discriminator makes one")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(METADATA)
            tensors: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is damaged, or not safetensors: {' '.join(str(error).split())}") from None
    if text is None:
        raise InputError(f"{path} is not a discriminator: its metadata have no {METADATA}")
    try:
        discriminator = PatchGan(DiscriminatorConfig(**json.loads(text)))
        discriminator.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not a discriminator of this version ({' '.join(str(error).split())})") from None
    return discriminator.eval()
