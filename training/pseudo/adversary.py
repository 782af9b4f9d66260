"""Fitting the discriminator: what a ladder of checkpoints makes of images, and how wrong that is."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from training.config import Augment
from training.data.loading import workers_alive
from training.data.prepared import PreparedSet
from training.data.shards import file_sha256
from training.data.streaming import MixedBatches
from training.pseudo.discriminator import DiscriminatorConfig, PatchDiscriminator, save_discriminator
from training.pseudo.discriminator_loss import discriminator_loss
from training.pseudo.identity import set_sha256
from training.pseudo.labeler import Labeler, as_kept, chosen_device
from training.pseudo.progress import Progress, silent
from training.pseudo.rank_correlation import spearman

NAME = "discriminator.safetensors"

#: Depth has no colours to jitter, and the labeler sees the images as they are; the sphere may be turned and mirrored.
_TURNED = Augment(roll=True, flip=True, brightness=0, contrast=0, saturation=0, hue=0, blur=0, noise=0, grey=0)


def fit_discriminator(
    sets: Sequence[PreparedSet],
    ladder: Sequence[Path],
    config: DiscriminatorConfig,
    folder: Path,
    restart: bool = False,
    device: str = "auto",
    progress: Progress = silent,
) -> Path:
    """Train a `PatchDiscriminator` on `ladder`'s depth for the images of `sets`, whose ground truth tells its errors.

    A checkpoint of the ladder is drawn for every image of a step; what it sees is a fake. Fakes are in the 16-bit steps
    of label files, at the set's height, far beyond 100 m. A step is a function of (`config.seed`, its number), so a run
    that was killed goes on and gives the same bytes.

    `folder` receives `log.jsonl`, `state.ckpt` and `discriminator.safetensors`, whose path is returned. Raises
    InputError for an empty ladder, a set without ground truth, a data worker that died, and a folder begun with
    anything else, unless `restart`.
    """
    if not sets or not ladder:
        raise InputError(
            f"a discriminator wants labelled sets and a ladder, got {len(sets)} sets, {len(ladder)} checkpoints"
        )
    for images in sets:
        if not images.labelled:
            raise InputError(
                f"{images.name} has no ground truth, by which the discriminator is told how wrong a fake is"
            )
    folder.mkdir(parents=True, exist_ok=True)
    made_from = _made_from(sets, ladder, config)
    run = _Run(config, folder, made_from, chosen_device(device), restart)
    if run.step < config.steps:
        labelers = [Labeler(path, device) for path in ladder]
        batches = MixedBatches(sets, [len(s) for s in sets], config.batch, config.steps, config.seed, _TURNED)
        progress("discriminator", run.step, config.steps)
        with workers_alive(run.state):
            for images_, ranges in batches.loader(run.step, config.workers):
                real = as_kept(ranges)
                fake = _fakes(images_, real, labelers, np.random.default_rng([config.seed, 3, run.step]))
                run.advance(real, fake)
                progress("discriminator", run.step, config.steps)
    path = folder / NAME
    save_discriminator(run.discriminator, path)
    return path


def _fakes(images: Tensor, real: Tensor, labelers: Sequence[Labeler], rng: np.random.Generator) -> Tensor:
    """(B, H, W) metres: each image as a checkpoint of the ladder sees it, unknown where the ground truth is."""
    drawn = rng.integers(len(labelers), size=len(images))
    fake = torch.empty_like(real)
    for number in np.unique(drawn):
        mine = torch.from_numpy(np.flatnonzero(drawn == number))
        fake[mine] = labelers[number](images[mine])
    return torch.where(torch.isnan(real), real, fake)


class _Run:
    """A discriminator in training, and its state on disk."""

    def __init__(
        self, config: DiscriminatorConfig, folder: Path, made_from: str, device: torch.device, restart: bool
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.made_from, self.device, self.step = config, made_from, device, 0
        self.state, self.log = folder / "state.ckpt", folder / "log.jsonl"
        self.discriminator = PatchDiscriminator(config).to(device)
        self.optimizer = torch.optim.Adam(self.discriminator.parameters(), config.learning_rate, betas=(0.9, 0.99))
        if restart:
            self.state.unlink(missing_ok=True)
        if self.state.exists():
            self._load()
        self._trim_log()

    def advance(self, real: Tensor, fake: Tensor) -> None:
        """One step, and what is due on disk after it."""
        self.discriminator.train()
        loss, expected, true = discriminator_loss(self.discriminator, real.to(self.device), fake.to(self.device))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * self.step / self.config.steps))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.step += 1
        if self.step % self.config.log_every == 0:
            ranks = spearman(expected.cpu().numpy(), true.cpu().numpy())
            line = {
                "step": self.step,
                "loss": round(float(loss.detach()), 5),
                "ranks": round(ranks, 4) if math.isfinite(ranks) else None,
            }
            with self.log.open("a") as log:
                log.write(json.dumps(line) + "\n")
        if self.step % self.config.checkpoint_every == 0 or self.step == self.config.steps:
            self._save()

    def _load(self) -> None:
        try:
            state: dict[str, Any] = torch.load(self.state, map_location="cpu", weights_only=True)
            saved = str(state["made_from"])
        except Exception as error:
            raise InputError(f"{self.state}: damaged or not a discriminator's state ({type(error).__name__})") from None
        if saved != self.made_from:
            then, now = json.loads(saved), json.loads(self.made_from)
            changed = ", ".join(key for key in now if then.get(key) != now[key])
            raise InputError(
                f"{self.state}: this discriminator was begun with another {changed}; restore it, choose another "
                "folder, or start afresh with --restart"
            )
        self.discriminator.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])

    def _save(self) -> None:
        state = {
            "step": self.step,
            "made_from": self.made_from,
            "model": self.discriminator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        try:
            with written_beside(self.state) as beside:
                torch.save(state, beside)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
            raise InputError(f"cannot write {self.state}: {getattr(error, 'strerror', None) or error}") from None

    def _trim_log(self) -> None:
        """Drop what was logged after the step that is continued from."""
        lines = self.log.read_text().splitlines(keepends=True) if self.log.exists() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= self.step]
        with written_beside(self.log) as beside:
            beside.write_text("".join(kept))


def _made_from(sets: Sequence[PreparedSet], ladder: Sequence[Path], config: DiscriminatorConfig) -> str:
    """Everything that determines the weights, as JSON."""
    for path in ladder:
        if not path.is_file():
            raise InputError(f"no checkpoint {path} for the ladder")
    return json.dumps(
        {
            **config.determining(),
            "sets": [set_sha256(s) for s in sets],
            "ladder": [file_sha256(path) for path in ladder],
        }
    )
