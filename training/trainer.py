"""The loop that every stage runs: Fabric for devices and precision, everything else in plain sight."""

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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import nn

from dap_core.errors import InputError
from dap_core.model import save_checkpoint
from training.checkpoint import load_state, save_state
from training.config import StageConfig
from training.data.batches import step_loader, to_network
from training.data.stores import validation_store
from training.ema import Ema
from training.losses import total_loss
from training.schedule import build_optimizer, rate_factor, set_rate
from training.validation import validate

MAX_BAD_STEPS = 3


class Interrupted(Exception):
    """A stop was asked for (SIGTERM, SIGINT); the state has been written."""


def fit(
    model: nn.Module,
    config: StageConfig,
    folder: Path,
    restart: bool = False,
    device: str = "auto",
    accept_changes: bool = False,
) -> Path:
    """Train `model` as `config` says; returns the path of the final checkpoint (EMA weights, our own layout).

    `folder` receives `log.jsonl` (a line per `log_every` steps and per validation), `state.ckpt` and
    `<name>.safetensors`. A state that is there is continued, when the configuration is the same or `accept_changes`;
    `restart` ignores it. `model.logits(x)` gives the logits of depth and far. A step whose loss or gradient is not
    finite is skipped; the third in a row raises InputError.
    """
    fabric = Fabric(accelerator=device, devices="auto" if device == "cuda" else 1, precision=config.precision)  # type: ignore[arg-type]
    fabric.launch()
    torch.manual_seed(config.seed)
    folder.mkdir(parents=True, exist_ok=True)
    state_path, log_path = folder / "state.ckpt", folder / "log.jsonl"
    limit = float(model.config.max_range_m)  # type: ignore[union-attr,arg-type]

    model = model.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = build_optimizer(model, config.optimizer)
    ema = Ema(model, config.optimizer.ema)
    start = 0
    changed: list[str] = []
    if restart:
        state_path.unlink(missing_ok=True)
        log_path.unlink(missing_ok=True)
    elif state_path.exists():
        start, changed = load_state(state_path, config, model, ema, optimizer, accept_changes)
    elif log_path.exists():
        log_path.unlink()
    network, optimizer = fabric.setup(model, optimizer)
    network.mark_forward_method("logits")

    stop = StopRequest()
    batches = step_loader(config, start, fabric.global_rank, fabric.world_size)
    began, bad, recent = time.monotonic(), 0, []
    with _progress(disable=not fabric.is_global_zero) as progress, log_path.open("a") as log, stop:
        if changed and fabric.is_global_zero:
            _write(log, {"step": start, "configuration_changed": changed})
        task = progress.add_task("training", total=config.steps, completed=start, note="")
        for step in range(start, config.steps):
            images, ranges = (t.to(fabric.device, non_blocking=True) for t in next(batches))
            x, target = to_network(images, ranges, limit)
            set_rate(optimizer, rate_factor(step, config.steps, config.optimizer))
            network.train()
            optimizer.zero_grad(set_to_none=True)
            depth, far = network.logits(x.contiguous(memory_format=torch.channels_last))
            loss, terms = total_loss(depth, far, target, config.loss)
            fabric.backward(loss)
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.optimizer.clip)
            if torch.isfinite(loss) and torch.isfinite(norm):
                optimizer.step()
                ema.update(model, step)
                bad = 0
            else:
                bad += 1
                if bad == MAX_BAD_STEPS:
                    raise InputError(
                        f"step {step}: the loss was not finite {bad} times in a row; lower the learning rate; "
                        f"the last good state is {state_path}"
                    )
            recent.append(float(loss.detach()))
            done = step + 1
            if done % config.log_every == 0 and fabric.is_global_zero:
                seconds = time.monotonic() - began
                line: dict[str, Any] = {
                    "step": done,
                    "samples": config.samples_before(done),
                    "loss": round(sum(recent) / len(recent), 5),
                    **{name: round(float(value), 5) for name, value in terms.items()},
                    "gradient_norm": round(float(norm), 4) if math.isfinite(float(norm)) else None,
                    "rate": optimizer.param_groups[0]["lr"],
                    "samples_per_second": round(
                        (config.samples_before(done) - config.samples_before(start)) / seconds, 2
                    ),
                }
                _write(log, line)
                progress.update(task, note=f"loss {line['loss']:.3f}  {line['samples_per_second']:.1f}/s")
                recent.clear()
            progress.update(task, completed=done)
            last = done == config.steps
            if (done % config.validate_every == 0 or last) and config.validation_scenes and fabric.is_global_zero:
                height = config.phase_at(step)[0].height
                figures = validate(ema.module, validation_store(config.data, height), config.validation_scenes)
                _write(log, {"step": done, "height": height, "validation": figures.as_dict()})
                progress.console.print(
                    f"step {done}: held-out AbsRel {figures.all.absrel:.3f} delta1 {figures.all.delta1:.3f}, "
                    f"within 30 degrees of the horizon {figures.band.absrel:.3f} / {figures.band.delta1:.3f}, "
                    f"far IoU {figures.far_iou:.3f}"
                )
            if (done % config.checkpoint_every == 0 or last or stop.requested) and fabric.is_global_zero:
                save_state(state_path, done, config, model, ema, optimizer)
                if stop.requested:
                    raise Interrupted(f"stopped after step {done} of {config.steps}; the same command continues")
    final = folder / f"{model.config.name}.safetensors"  # type: ignore[union-attr]
    if fabric.is_global_zero:
        save_checkpoint(ema.module, final)
        (folder / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    return final


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


def _write(log: Any, line: dict) -> None:
    log.write(json.dumps(line) + "\n")
    log.flush()


def _progress(disable: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        disable=disable,
    )
