"""The loop that every stage runs: Fabric for devices and processes, everything else in plain sight."""

from __future__ import annotations

import json
import math
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import nn

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.model import save_checkpoint
from training.batch_norm import shared_between_ranks
from training.checkpoint import TrainingState, changed_keys, load_state, save_state
from training.config import StageConfig
from training.data.batches import open_batches
from training.data.loading import step_loader, workers_alive
from training.display import SILENT, Display
from training.ema import Ema
from training.journal import Journal
from training.processes import gathered, launch, mean_of_ranks
from training.schedule import build_optimizer, rate_factor, set_rate
from training.step import add_gradients, objective_of
from training.validation import Validation, held_out_samples, measured, picture

MAX_BAD_STEPS = 3
#: Held-out panoramas that TensorBoard shows.
PICTURES = 4


class Interrupted(Exception):
    """A stop was asked for (SIGTERM, SIGINT); the state has been written."""


def fit(
    model: nn.Module,
    config: StageConfig,
    folder: Path,
    restart: bool = False,
    device: str = "auto",
    accept_changes: bool = False,
    display: Display = SILENT,
) -> Path:
    """Train `model` as `config` says; returns the path of the final checkpoint (EMA weights, our own layout).

    `folder` receives `log.jsonl` (a line per `log_every` steps and per validation), `state.ckpt`, `ladder/` where it is
    asked for, `<name>.safetensors` and, last, `config.json`. A state that is there is continued, when the configuration
    is the same or `accept_changes`; `restart` ignores it. `model.logits(x)` gives the logits of depth and far. Under
    torchrun every process takes its part of each batch. A step whose loss or gradient is not finite is skipped; the
    third in a row raises InputError, as do a full disk and a data worker that died.
    """
    fabric = launch(device, config.precision)
    torch.manual_seed(config.seed)
    folder.mkdir(parents=True, exist_ok=True)
    limit = float(model.config.max_range_m)  # type: ignore[union-attr,arg-type]
    objective = objective_of(config, limit)

    model = model.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = TrainingState(model, Ema(model, config.optimizer.ema), build_optimizer(model, config.optimizer))
    if fabric.world_size > 1:
        shared_between_ranks(model, fabric.device)
    state_path = folder / "state.ckpt"
    changed = _continue(state, state_path, config, restart, accept_changes, fabric)
    network, optimizer = fabric.setup(model, state.optimizer)
    network.mark_forward_method("logits")

    start, began, stop = state.step, time.monotonic(), StopRequest()
    rank, world = fabric.global_rank, fabric.world_size
    batches = step_loader(open_batches(config, rank, world), start, config.workers, pinned=fabric.device.type == "cuda")
    with Journal(folder, start, fabric.is_global_zero, config.tensorboard) as journal, stop, workers_alive(state_path):
        if changed:
            journal.write({"step": start, "configuration_changed": changed})
        display(folder.name, start, config.steps)
        for step in range(start, config.steps):
            images, ranges = (t.to(fabric.device, non_blocking=True) for t in next(batches))
            set_rate(optimizer, rate_factor(step, config.steps, config.optimizer))
            network.train()
            optimizer.zero_grad(set_to_none=True)
            sums = add_gradients(fabric, network, images, ranges, objective, config.accumulate)
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.optimizer.clip)
            asked = norm.new_tensor(float(stop.requested))
            *values, stopping = mean_of_ranks(fabric, torch.stack([*sums.values(), asked]).float()).tolist()
            terms_now = dict(zip(sums, values, strict=True))
            if math.isfinite(terms_now["loss"]) and torch.isfinite(norm):
                optimizer.step()
                state.ema.update(model, step)
                state.bad = 0
                state.losses.append(terms_now["loss"])
            else:
                state.bad, state.skipped = state.bad + 1, state.skipped + 1
                if state.bad == MAX_BAD_STEPS:
                    raise InputError(
                        f"step {step}: the loss was not finite {state.bad} times in a row; lower the learning rate; "
                        f"the last good state is {state_path}"
                    )
            state.step = done = step + 1
            speed = (config.samples_before(done) - config.samples_before(start)) / (time.monotonic() - began)
            display(folder.name, done, config.steps, f"loss {terms_now['loss']:.3f}  {speed:.1f}/s")
            if done % config.log_every == 0:
                line: dict[str, Any] = {
                    "step": done,
                    "samples": config.samples_before(done),
                    **{name: _rounded(value, 7) for name, value in terms_now.items()},
                    "loss": _rounded(sum(state.losses) / len(state.losses), 7) if state.losses else None,
                    "gradient_norm": _rounded(float(norm), 4),
                    "skipped": state.skipped,
                    "rate": optimizer.param_groups[0]["lr"],
                    "samples_per_second": round(speed, 2),
                }
                journal.write(line)
                state.losses.clear()
            last = done == config.steps
            if done % config.validate_every == 0 or last:
                _validate(state, config, fabric, journal, display)
            if done in config.rungs and fabric.is_global_zero:
                save_checkpoint(state.ema.module, rung(folder, done))
            if (done % config.checkpoint_every == 0 or last or stopping) and fabric.is_global_zero:
                save_state(state_path, state, config)
            if stopping:
                raise Interrupted(f"stopped after step {done} of {config.steps}; the same command continues")
    final = final_checkpoint(model, folder)
    if fabric.is_global_zero:
        save_checkpoint(state.ema.module, final)
        with written_beside(folder / "config.json") as beside:
            beside.write_text(json.dumps(asdict(config), indent=2) + "\n")
    fabric.barrier()
    return final


def final_checkpoint(model: nn.Module, folder: Path) -> Path:
    """Where a run leaves the checkpoint of `model`."""
    return folder / f"{model.config.name}.safetensors"  # type: ignore[union-attr]


def rung(folder: Path, step: int) -> Path:
    """Where a run leaves the checkpoint of its ladder after `step` steps."""
    return folder / "ladder" / f"step-{step:08d}.safetensors"


def is_finished(model: nn.Module, config: StageConfig, folder: Path) -> bool:
    """Whether `folder` holds the whole run of just this configuration."""
    rungs = [rung(folder, step) for step in config.rungs]
    if not all(path.exists() for path in (final_checkpoint(model, folder), folder / "config.json", *rungs)):
        return False
    try:
        return not changed_keys(json.loads((folder / "config.json").read_text()), config)
    except ValueError:
        return False


def _rounded(value: float, digits: int) -> float | None:
    """For the log, which is JSON: None for what is not finite."""
    return round(value, digits) if math.isfinite(value) else None


def _continue(
    state: TrainingState, path: Path, config: StageConfig, restart: bool, accept_changes: bool, fabric: Fabric
) -> list[str]:
    """Restore `state`, or begin afresh; the keys of the configuration that changed."""
    if path.exists() and not restart:
        return load_state(path, state, config, accept_changes)
    fabric.barrier()  # nobody removes what another has yet to look for
    if fabric.is_global_zero:
        ladder = path.parent / "ladder"
        for stale in (path, path.with_name("log.jsonl"), path.with_name("config.json"), *ladder.glob("*.safetensors")):
            stale.unlink(missing_ok=True)
        if config.ladder:
            ladder.mkdir(exist_ok=True)
    return []


def _validate(state: TrainingState, config: StageConfig, fabric: Fabric, journal: Journal, display: Display) -> None:
    """Measure the averaged weights on the held-out panoramas, dealt to the processes."""
    height = config.phase_at(state.step - 1)[0].height
    samples = held_out_samples(config, height)
    if not samples:
        return
    model = state.ema.module
    mine = samples[fabric.global_rank :: fabric.world_size]
    figures = Validation.of(gathered(fabric, list(measured(model, mine, config.far_beyond_m))))
    journal.write({"step": state.step, "height": height, "validation": figures.as_dict()})
    if fabric.is_global_zero and journal.pictures:
        for _, whole, index in samples[:: max(1, len(samples) // PICTURES)][:PICTURES]:
            sample = whole[index]
            journal.show(f"{whole.name} {sample.name}", picture(model, sample, config.far_beyond_m), state.step)
    display.say(
        f"step {state.step}: held-out AbsRel {figures.all.absrel:.3f} delta1 {figures.all.delta1:.3f}, "
        f"within 30 degrees of the horizon {figures.band.absrel:.3f} / {figures.band.delta1:.3f}, "
        f"far IoU {figures.far.iou:.3f}"
    )


class StopRequest:
    """Turns SIGTERM and SIGINT into a flag that is looked at between steps, so that no step is cut in half."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> StopRequest:
        self._previous = {s: signal.signal(s, self._ask) for s in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        self.requested = True
