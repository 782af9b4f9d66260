"""The discriminator: a PatchGAN's network that tells by depth alone how wrong a labeler's depth map is.

It sees no colours. The paper's tells real from fake; how real a map looks says little of how wrong it is, so this one
is asked for the error itself, which is known for fakes whose ground truth is. What gives a map away is its scale, by
geometry (a floor lies one or two metres below a camera, a ceiling is not ten times as high), and its shape: how it
varies along a latitude, and how sharp it is. So it is given metres, heights and latitudes.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.model.tiny import row_elevations
from training.data.range_code import FARTHEST_M

#: Key of the configuration in the file's metadata.
METADATA = "dap-discriminator"
#: Channels that a patch sees, and statistics of a band of latitudes.
CHANNELS, STATISTICS = 4, 4
NEAREST_M = 0.05


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Everything that determines a discriminator.

    Maps are averaged over squares of `reduction` pixels, then halved `layers` times; each patch sees 16, 34, 70 or 142
    averaged pixels (1 to 4 layers), of which 70 is the usual PatchGAN. Beside it the whole sphere is seen as statistics
    of `bands` of latitudes. It is trained for `steps` Adam steps on `batch` fakes.
    """

    layers: int = 3
    channels: int = 64  #: of the first layer, doubled by each, eightfold at most
    reduction: int = 4
    bands: int = 16
    width: int = 64  #: of the layers that read the bands
    steps: int = 20_000
    batch: int = 16
    learning_rate: float = 1e-3  #: at the start; a cosine brings it to nothing
    seed: int = 0
    workers: int = 1
    checkpoint_every: int = 500
    log_every: int = 50

    def __post_init__(self) -> None:
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise InputError(f"a discriminator's {name} must be at least 1, got {getattr(self, name)}")
        if self.batch < 2:
            raise InputError("a discriminator's batch must be at least 2: what is usual is measured over it")

    @property
    def stride(self) -> int:
        """Pixels of a map from one patch to the next."""
        return self.reduction * 2**self.layers

    def determining(self) -> dict[str, Any]:
        """What the weights depend on."""
        return {key: value for key, value in dataclasses.asdict(self).items() if key not in _INCIDENTAL}


_COUNTS = ("layers", "channels", "reduction", "bands", "width", "steps", "checkpoint_every", "log_every")
#: Of the configuration, what the weights do not depend on.
_INCIDENTAL = frozenset({"workers", "checkpoint_every", "log_every"})


def log_range(range_m: Tensor) -> Tensor:
    """ln of ranges (B, H, W) in metres, float32; far is 100 m, and so is what lies beyond; unknown is 1 m."""
    return range_m.float().nan_to_num(1.0, posinf=FARTHEST_M).clamp(NEAREST_M, FARTHEST_M).log()


def plausibility_input(range_m: Tensor, reduction: int = 1) -> Tensor:
    """What a patch sees of ranges (B, H, W) in metres, +inf far, nan unknown: (B, 4, H / r, W / r) float32.

    ln(range) / 2; 1 where there is a range; the sine of the latitude; and ln(height) / 2, height being the metres that
    a point lies above or below the camera. Far and unknown are 100 m. All are means over `reduction`^2 pixels: a
    renderer's edges are a pixel sharp and a network's are not, which says nothing of how right they are.
    """
    near = torch.isfinite(range_m) & (range_m > 0)
    sine = row_elevations(range_m.shape[-2], range_m).sin()[:, None]
    log = log_range(torch.where(near, range_m, torch.full_like(range_m, FARTHEST_M)))
    height = torch.where(near, log + sine.abs().log(), log)
    channels = torch.stack([log / 2, near.float(), sine.expand_as(log), height / 2], 1)
    return channels if reduction == 1 else F.avg_pool2d(channels, reduction)


def band_statistics(range_m: Tensor, bands: int) -> Tensor:
    """(B, 4 `bands`) what the whole sphere is like: mean and standard deviation of ln(range) of each band of latitudes,
    and the mean of its steps from pixel to pixel, in azimuth and in elevation; each at about -1 to 1. Unknown is 1 m.
    """
    log = log_range(range_m)
    across = (log.roll(-1, -1) - log).abs()
    down = F.pad((log[:, 1:] - log[:, :-1]).abs(), (0, 0, 0, 1))
    means = F.adaptive_avg_pool2d(torch.stack([log, log.square(), across, down], 1), (bands, 1))[..., 0]
    mean, square, across, down = means.unbind(1)
    spread = (square - mean.square()).clamp(min=1e-8).sqrt()
    return torch.cat([mean - 1.5, 2.0 * spread - 1.0, 10.0 * across - 1.0, 10.0 * down - 1.0], 1)


class Judgement(NamedTuple):
    """How wrong maps (B, H, W) are, by patches of s pixels.

    log_error   (B, H / s, W / s) ln of the AbsRel that is expected of a patch
    near        (B, H / s, W / s) logit of the share of it where there is truly a range
    whole       (B,) ln of the AbsRel that is expected of the map by what the whole sphere is like; part of `log_error`
    """

    log_error: Tensor
    near: Tensor
    whole: Tensor

    def error(self) -> Tensor:
        """(B,) AbsRel that is expected of the maps: as it is a mean over pixels that have a range, patches count by the
        share of them that is expected to.
        """
        share = self.near.sigmoid()
        return (self.log_error.exp() * share).sum((1, 2)) / share.sum((1, 2))


class PatchDiscriminator(nn.Module):
    """How wrong depth maps (B, H, W) in metres are, as a `Judgement`.

    Convolutions of 4x4 as in Isola et al. 2017, circular in azimuth, the rows repeated at the poles, without
    normalisation; what the whole sphere is like is added to every patch. Rolling a map by multiples of `config.stride`
    pixels rolls the answer.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        widths = [CHANNELS, *(config.channels * min(2**k, 8) for k in range(config.layers + 1))]
        self.halvings = nn.ModuleList(nn.Conv2d(a, b, 4, 2) for a, b in itertools.pairwise(widths[:-1]))
        self.patch, self.answer = nn.Conv2d(widths[-2], widths[-1], 4), nn.Conv2d(widths[-1], 2, 4)
        self.whole = nn.Sequential(
            nn.BatchNorm1d(STATISTICS * config.bands, affine=False),
            nn.Linear(STATISTICS * config.bands, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.width),
            nn.GELU(),
            nn.Linear(config.width, 1),
        )

    def forward(self, range_m: Tensor) -> Judgement:
        """Of maps (B, H, W) in metres, +inf far, nan unknown; H and W multiples of the stride."""
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
        log_error, near = self.answer(_around(x, 2)).unbind(1)
        whole = self.whole(band_statistics(range_m, self.config.bands))[:, 0]
        return Judgement(log_error + whole[:, None, None], near, whole)

    def score(self, range_m: Tensor) -> Tensor:
        """(B,) minus the AbsRel that is expected of a map: high is plausible."""
        return -self(range_m).error()


def _around(x: Tensor, after: int) -> Tensor:
    """Margins of 1 pixel before and `after` behind, those of a 4x4 convolution that keeps the size or halves it."""
    x = F.pad(x, (0, 0, 1, after), mode="replicate")
    return torch.cat([x[..., -1:], x, x[..., :after]], -1)


def save_discriminator(discriminator: PatchDiscriminator, path: Path) -> None:
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


def load_discriminator(path: str | Path) -> PatchDiscriminator:
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
        discriminator = PatchDiscriminator(DiscriminatorConfig(**values))
        discriminator.load_state_dict(tensors)
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise InputError(f"{path}: not a discriminator of this version ({' '.join(str(error).split())})") from None
    return discriminator.eval()
