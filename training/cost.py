"""What a run costs: from arithmetic to GPU-hours and money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dap_core.errors import InputError
from training.config import StageConfig

#: TFLOP of a 512x1024 panorama, two heads: forward, and a training step's share. Counted from the architecture.
TFLOP = {"dap-l": (2.54, 7.63), "dap-b": (0.75, 2.24), "dap-s": (0.24, 0.71)}
HEIGHT = 512


@dataclass(frozen=True)
class Machine:
    """What a recipe is meant to run on.

    tflops         a GPU's peak for dense bf16 (an H20: 148), TFLOP/s
    utilisation    share of the peak that training reaches
    price          of a GPU-hour, in whatever currency
    panoramas      in the unlabelled sets, all labelled twice
    """

    gpus: int
    panoramas: int
    tflops: float = 148.0
    utilisation: float = 0.45
    price: float = 0.0


@dataclass(frozen=True)
class Cost:
    """Of a step of the pipeline: panoramas, and hours of all its GPUs together."""

    step: str
    panoramas: int
    gpu_hours: float


def costs(name: str, stages: Mapping[str, StageConfig], machine: Machine | None) -> list[Cost]:
    """Of the three stages of the recipe `name` and of labelling; discriminator and data are small beside them.

    InputError for a recipe that names no machine, or a preset or height whose arithmetic has not been counted.
    """
    if machine is None:
        raise InputError(f"{name}: no section `machine`, so nothing to reckon with")
    found = []
    for step in ("stage1", "label", "stage2", "relabel", "stage3"):
        config = stages[step] if step in stages else stages["stage1"]
        if config.preset not in TFLOP or any(phase.height != HEIGHT for phase in config.phases):
            raise InputError(f"{name}: reckoned are {', '.join(TFLOP)} at {HEIGHT} rows")
        forward, training = TFLOP[config.preset]
        panoramas, each = machine.panoramas, forward
        if step in stages:
            panoramas, each = config.samples_before(config.steps), training
        found.append(Cost(step, panoramas, panoramas * each / (machine.tflops * machine.utilisation) / 3600.0))
    return found
