"""The pipeline: its steps in their order, each resumable, by any number of processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dap_core.errors import InputError
from training.data.labels import LabelledSet
from training.data.prepare import Preparation, prepare
from training.data.prepared import PreparedSet
from training.data.sets.worlds import Worlds
from training.data.shards import file_sha256
from training.display import SILENT, Display
from training.processes import Processes
from training.pseudo.acceptance import Acceptance, accept
from training.pseudo.adversary import fit_discriminator
from training.pseudo.labelling import label_set
from training.pseudo.report import write_report
from training.pseudo.selection import Selection, select
from training.recipe import Recipe
from training.stages.folder import RunFolder
from training.stages.labeler import train
from training.stages.stage1 import stage1_config
from training.stages.stage2 import stage2_config
from training.stages.stage3 import stage3_config


class Pipeline:
    """A recipe in a run's folder. Every step leaves its result there and takes those of the steps before it.

    A step that was killed goes on where it was, one that is done is left alone, and the bytes of all results are the
    same. The trainer's stages share their batches between `processes`; labels are dealt to them by shards; the rest is
    the first one's work, and the others wait. Raises InputError where a step before is missing.
    """

    def __init__(
        self,
        recipe: Recipe,
        run: Path,
        device: str = "auto",
        restart: bool = False,
        accept_changes: bool = False,
        workers: int = 1,
        display: Display = SILENT,
        processes: Processes | None = None,
    ) -> None:
        self.recipe, self.run, self.device = recipe, RunFolder(run), device
        self.restart, self.accept_changes, self.workers, self.display = restart, accept_changes, workers, display
        self.processes = Processes() if processes is None else processes
        try:
            run.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make {run}: {error.strerror}") from None

    def prepare(self) -> None:
        """Make the sets of procedural worlds that are missing."""
        self.processes.first(self._prepare)

    def _prepare(self) -> None:
        for one in self.recipe.prepare:
            path = Path(one.path)
            prepare(
                Worlds(one.count, one.seed, one.look, one.labels),
                path,
                path.name,
                Preparation(one.height, one.per_shard),
                self.workers,
                lambda done, total, kept, out, name=path.name: self.display(f"shards of {name}", done, total),  # type: ignore[misc]
            )

    def stage1(self) -> Path:
        """Train on the labelled sets."""
        return train(stage1_config(self.recipe), self.run.stage(1), *self._how())

    def discriminator(self) -> Path:
        """Train the discriminator on the ladder of stage 1, and hold its acceptance test."""
        self.processes.first(self._discriminator)
        return self.run.scorer()

    def _discriminator(self) -> None:
        ladder, folder = self.run.ladder(), self.run.discriminator
        sets = [PreparedSet(one.path) for one in self.recipe.labelled]
        scorer = fit_discriminator(
            sets, ladder, self.recipe.discriminator, folder, self.restart, self.device, self.display
        )
        held_out = [PreparedSet(path) for path in self.recipe.acceptance]
        found = accept(scorer, ladder, held_out, folder, device=self.device, progress=self.display)
        correlations = ", ".join(f"{domain} {one.last:.2f}" for domain, one in found.domains.items())
        self.display.say(
            f"acceptance of the discriminator, rank correlation of score and -AbsRel: {correlations}; "
            + ("passed" if found.passed else "not passed")
        )

    def label(self) -> bool:
        """Label the unlabelled sets by stage 1, and score the labels; whether all processes' labels are there."""
        return self._label(1, self.run.scorer())

    def select(self) -> Path:
        """Choose among stage 1's labels by their scores."""
        self.processes.first(self._select)
        return self.run.selection

    def _select(self) -> None:
        labelled = self._labelled(1)
        selection = select(labelled, self.recipe.selection)
        selection.write(self.run.selection)
        kept = ", ".join(f"{one.kept} of {one.candidates} {name}" for name, one in selection.domains.items())
        self.display.say(f"selected {kept}")

    def stage2(self) -> Path:
        """Train on the labelled sets and the selection."""
        return train(stage2_config(self.recipe, self.run), self.run.stage(2), *self._how())

    def relabel(self) -> bool:
        """Label the unlabelled sets again, by stage 2; whether all processes' labels are there."""
        return self._label(2, None)

    def stage3(self) -> Path:
        """Train on the labelled sets and on all others as stage 2 labels them."""
        return train(stage3_config(self.recipe, self.run), self.run.stage(3), *self._how())

    def report(self) -> Path:
        """Write the report in pictures of labels and selection."""
        self.processes.first(self._report)
        return self.run.report

    def _report(self) -> None:
        acceptance = self.run.discriminator / "acceptance.json"
        write_report(
            self._labelled(1),
            Selection.read(self.run.selection),
            self.run.report,
            Acceptance.read(acceptance) if acceptance.exists() else None,
        )

    def all(self) -> Path:
        """Every step; the checkpoint of stage 3."""
        steps: tuple[Callable[[], object], ...] = (
            *(self.prepare, self.stage1, self.discriminator, self.label, self.select, self.stage2),
            *(self.relabel, self.report, self.stage3),
        )
        for step in steps:
            step()
        return self.run.checkpoint(3, self.recipe.stages["stage3"])

    def _how(self) -> tuple[bool, str, bool, Display]:
        return self.restart, self.device, self.accept_changes, self.display

    def _label(self, number: int, scorer: Path | None) -> bool:
        labeler = self.run.checkpoint(number, self.recipe.stages[f"stage{number}"])
        whole = True
        for described in self.recipe.unlabelled:
            images = PreparedSet(described.path)
            folder = self.run.labels(number, images.name)
            rank = self.processes.rank
            done = label_set(
                *(images, labeler, folder, scorer, rank.rank, rank.world, self.recipe.label_batch, self.device),
                progress=lambda what, done, total: self.display(f"{what} by stage {number}", done, total),
            )
            whole = whole and done is not None
        if self.processes.together:
            self.processes.wait()
            return True
        return whole

    def _labelled(self, number: int) -> list[LabelledSet]:
        """The unlabelled sets with a stage's labels."""
        sha256 = file_sha256(self.run.checkpoint(number, self.recipe.stages[f"stage{number}"]))
        sets = [PreparedSet(described.path) for described in self.recipe.unlabelled]
        return [LabelledSet(images, sha256, self.run.labels(number, images.name)) for images in sets]
