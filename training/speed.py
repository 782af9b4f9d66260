"""How fast a training step is: samples a second, share of the machine's rate in matrix products, memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from dap_core.benchmark import memory
from dap_core.benchmark.turns import Effort, Runner, in_turns, of_runner, ratio
from dap_core.errors import InputError
from dap_core.model import PRESETS, build
from training.config import StageConfig
from training.ema import Ema
from training.losses.total import PAPER
from training.processes import launch
from training.schedule import build_optimizer
from training.step import add_gradients, objective_of

PRECISIONS = {"bf16-mixed": torch.bfloat16, "32-true": torch.float32}
#: Rows and columns of the matrices whose product is the peak, and of a GPU's.
SIZE, SIZE_CUDA = 2048, 8192


@dataclass(frozen=True)
class Case:
    """A preset trained at `height` rows, `batch` panoramas a step."""

    preset: str
    height: int
    batch: int
    precision: str = "bf16-mixed"

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise InputError(f"unknown preset {self.preset!r}; known: {', '.join(PRESETS)}")
        if self.height < 32 or self.height % 32:
            raise InputError(f"the height of a panorama is a multiple of 32, got {self.height}")
        if self.batch < 1:
            raise InputError(f"a batch has at least 1 panorama, got {self.batch}")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision is one of {', '.join(PRECISIONS)}, got {self.precision!r}")


@dataclass(frozen=True)
class Speed:
    """Of a case: operations of a sample (forward and backward, a multiplication and an addition each counted), seconds
    of a step, rate in matrix products of the same precision (FLOP/s), share of it that the step reached, and bytes
    that the step took at most: of the GPU, or of this process."""

    case: Case
    sample_flops: int
    step_s: float
    peak_flops: float
    share: float
    peak_bytes: int | None

    @property
    def samples_per_second(self) -> float:
        return self.case.batch / self.step_s


def sample_operations(preset: str, height: int) -> int:
    """Operations of products in one sample's forward and backward pass, counted without computing anything."""
    with torch.device("meta"):
        model = build(replace(PRESETS[preset], height=height, width=2 * height)).train()
        image = torch.empty(1, 3, height, 2 * height)
        # Attention as products: what a fused kernel computes twice is not counted twice.
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            depth, far = model.logits(image)
            (depth.sum() + far.sum()).backward()
    return counter.get_total_flops()


def measure(
    case: Case,
    device: str = "auto",
    effort: Effort | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Speed:
    """Time whole steps (the paper's losses, clipping, optimizer, averaged weights) in turns with matrix products.

    The batch is noise that lies on the device: what reading, decoding and augmenting take is not in it. Raises
    InputError where the memory of a GPU does not suffice.
    """
    fabric = launch(device, case.precision)
    flops = sample_operations(case.preset, case.height)
    cuda = fabric.device.type == "cuda"
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(fabric.device)
    else:
        memory.forget_peak()
    size = SIZE_CUDA if cuda else SIZE
    try:
        step, product = _step(fabric, case), _product(fabric, size, PRECISIONS[case.precision])
        turns = in_turns([_timed(step, cuda), _timed(product, cuda)], effort or Effort(), progress)
    except torch.OutOfMemoryError:
        raise InputError(f"{case.preset}: a batch of {case.batch} does not fit the GPU's memory") from None
    own = 2 * size**3
    steps, products = of_runner(turns, 0), of_runner(turns, 1)
    return Speed(
        case,
        flops,
        sorted(steps)[len(steps) // 2],
        own / min(products),
        flops * case.batch / own / ratio(turns, 0, 1).median,
        torch.cuda.max_memory_allocated(fabric.device) if cuda else memory.peak_bytes(),
    )


def _step(fabric: Fabric, case: Case) -> Callable[[], None]:
    config = StageConfig(preset=case.preset, precision=case.precision, loss=PAPER)
    torch.manual_seed(0)
    shape = replace(PRESETS[case.preset], height=case.height, width=2 * case.height)
    model = build(shape).train().to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema, objective = Ema(model, config.optimizer.ema), objective_of(config, shape.max_range_m)
    network, optimizer = fabric.setup(model, build_optimizer(model, config.optimizer))
    network.mark_forward_method("logits")
    size = (case.batch, case.height, 2 * case.height)
    images = torch.randint(0, 256, (*size, 3), dtype=torch.uint8, device=fabric.device)
    ranges = torch.empty(size, device=fabric.device).uniform_(0.5, 1.2 * shape.max_range_m)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        add_gradients(fabric, network, images, ranges, objective)
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.optimizer.clip)
        optimizer.step()
        ema.update(model, 1000)

    return step


def _product(fabric: Fabric, size: int, dtype: torch.dtype) -> Callable[[], None]:
    a, b = (torch.randn(size, size, device=fabric.device).to(dtype) for _ in range(2))
    out: Tensor = torch.empty_like(a)
    return partial(torch.matmul, a, b, out=out)  # type: ignore[return-value]


def _timed(work: Callable[[], None], cuda: bool) -> Runner:
    def run(seconds: float) -> list[float]:
        times: list[float] = []
        while sum(times) < seconds or not times:
            began = time.perf_counter()
            work()
            if cuda:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)
        return times

    return run
