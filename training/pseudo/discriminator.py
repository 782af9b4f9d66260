"""The discriminator: a PatchGAN that tells ground truth's depth maps from a labeler's, by depth alone.

It sees no colours, and no metres either: every map is divided by its own 98th percentile, so that nothing but the shape
of what is in it, its plausibility, tells the two apart.
"""

from __future__ import annotations

import dataclasses
import itertools
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

    Maps are averaged over squares of `reduction` pixels, then halved `layers` times; each logit sees 16, 34, 70 or 142
    averaged pixels (1 to 4 layers), of which 70 is the usual PatchGAN. It is trained for `steps` Adam steps on `batch`
    images, each as ground truth and as a fake; how a fake is graded by `tolerance` is told by `adversarial_loss`.
    """

    layers: int = 3
    channels: int = 64  #: of the first layer, doubled by each, eightfold at most
    reduction: int = 2
    tolerance: float = 0.3
    steps: int = 20_000
    batch: int = 16
    learning_rate: float = 2e-4
    seed: int = 0
    workers: int = 1
    checkpoint_every: int = 500
    log_every: int = 50

    def __post_init__(self) -> None:
        for name in ("layers", "channels", "reduction", "steps", "batch", "checkpoint_every", "log_every"):
            if getattr(self, name) < 1:
                raise InputError(f"a discriminator's {name} must be at least 1, got {getattr(self, name)}")
        if not self.tolerance >= 0:
            raise InputError(f"a discriminator's tolerance must be at least 0, got {self.tolerance}")

    @property
    def stride(self) -> int:
        """Pixels of a map from one logit to the next."""
        return self.reduction * 2**self.layers

    def determining(self) -> dict[str, Any]:
        """What the weights depend on."""
        return {key: value for key, value in dataclasses.asdict(self).items() if key not in _INCIDENTAL}


#: Of the configuration, what the weights do not depend on.
_INCIDENTAL = frozenset({"workers", "checkpoint_every", "log_every"})


def plausibility_input(range_m: Tensor, reduction: int = 1) -> Tensor:
    """What the discriminator sees of ranges (B, H, W) in metres, +inf far, nan unknown: (B, 2, H / r, W / r) float32.

    The first channel is ln(range / scale), from -4 to 0, where scale is the 98th percentile of the image's near ranges;
    far and unknown are 0. The second is 1 where there is a range, else 0. Both are means over `reduction`^2 pixels: a
    renderer's edges are a pixel sharp and a network's are not, which says nothing of how right they are.
    """
    near = torch.isfinite(range_m) & (range_m > 0)
    log = torch.where(near, range_m, torch.ones_like(range_m)).float().log()
    scales = [
        torch.quantile(one[known], PERCENTILE) if known.any() else one.new_zeros(())
        for one, known in zip(log, near, strict=True)
    ]
    shape = (log - torch.stack(scales)[:, None, None]).clamp(-4.0, 0.0)
    channels = torch.stack([torch.where(near, shape, torch.zeros_like(shape)), near.float()], 1)
    return channels if reduction == 1 else F.avg_pool2d(channels, reduction)


class PatchGan(nn.Module):
    """Logits of patches, high where a depth map looks like ground truth: (B, H, W) metres -> (B, H / s, W / s).

    Convolutions of 4x4 as in Isola et al. 2017, circular in azimuth, the rows repeated at the poles, without
    normalisation: rolling a map by multiples of `config.stride` pixels rolls its logits.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        widths = [2, *(config.channels * min(2**k, 8) for k in range(config.layers + 1))]
        self.halvings = nn.ModuleList(nn.Conv2d(a, b, 4, 2) for a, b in itertools.pairwise(widths[:-1]))
        self.patch, self.logit = nn.Conv2d(widths[-2], widths[-1], 4), nn.Conv2d(widths[-1], 1, 4)

    def forward(self, range_m: Tensor) -> Tensor:
        """Logits of maps (B, H, W) in metres, +inf far, nan unknown; H and W multiples of the stride."""
        height, width = range_m.shape[-2:]
        if height % self.config.stride or width % self.config.stride:
            raise InputError(
                f"a discriminator of {self.config.layers} layers and reduction {self.config.reduction} takes maps with "
                f"sides that are multiples of {self.config.stride}, got {width}x{height}"
            )
        x = plausibility_input(range_m, self.config.reduction)
        for halving in self.halvings:
            x = F.leaky_relu(halving(_around(x, 1)), 0.2)
        x = F.leaky_relu(self.patch(_around(x, 2)), 0.2)
        logits: Tensor = self.logit(_around(x, 2))[:, 0]
        return logits

    def score(self, range_m: Tensor) -> Tensor:
        """(B,) mean of a map's logits by solid angle: high is plausible."""
        return sphere_mean(self(range_m))


def sphere_mean(logits: Tensor) -> Tensor:
    """(B,) mean of (B, h, w) over the sphere, each row weighted by the cosine of its latitude."""
    weight = row_elevations(logits.shape[-2], logits).cos()
    return (logits.mean(-1) * (weight / weight.sum())).sum(-1)


def _around(x: Tensor, after: int) -> Tensor:
    """Margins of 1 pixel before and `after` behind, those of a 4x4 convolution that keeps the size or halves it."""
    x = F.pad(x, (0, 0, 1, after), mode="replicate")
    return torch.cat([x[..., -1:], x, x[..., :after]], -1)


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
        values = json.loads(text)
        if values.keys() != DiscriminatorConfig().determining().keys():
            raise ValueError("its configuration has other keys")
        discriminator = PatchGan(DiscriminatorConfig(**values))
        discriminator.load_state_dict(tensors)
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise InputError(f"{path}: not a discriminator of this version ({' '.join(str(error).split())})") from None
    return discriminator.eval()
