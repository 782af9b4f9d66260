"""Where a run of the pipeline keeps what: one folder, each result in a place of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dap_core.errors import InputError
from training.config import StageConfig
from training.stages.labeler import model_shape


@dataclass(frozen=True)
class RunFolder:
    """RUN/{stage1, discriminator, labels1, selection.json, stage2, labels2, stage3, report}."""

    path: Path

    def stage(self, number: int) -> Path:
        """Folder of a stage's training."""
        return self.path / f"stage{number}"

    def checkpoint(self, number: int, config: StageConfig) -> Path:
        """What a stage gives; InputError where it has not been run to its end."""
        path = self.stage(number) / f"{model_shape(config).name}.safetensors"
        if not path.is_file():
            raise InputError(f"no {path}: run dap train stage{number} first, or dap train all")
        return path

    def ladder(self) -> list[Path]:
        """The checkpoints on the way through stage 1, early to late; InputError where there are none."""
        paths = sorted((self.stage(1) / "ladder").glob("step-*.safetensors"))
        if not paths:
            raise InputError(
                f"no checkpoints in {self.stage(1) / 'ladder'}: run dap train stage1 first, or dap train all"
            )
        return paths

    @property
    def discriminator(self) -> Path:
        """Folder of the discriminator's training."""
        return self.path / "discriminator"

    def scorer(self) -> Path:
        """The discriminator; InputError where there is none."""
        path = self.discriminator / "discriminator.safetensors"
        if not path.is_file():
            raise InputError(f"no {path}: run dap train discriminator first, or dap train all")
        return path

    def labels(self, number: int, name: str) -> Path:
        """Where the labels that stage `number` gave the set `name` lie."""
        return self.path / f"labels{number}" / name

    @property
    def selection(self) -> Path:
        """Which of stage 1's labels stage 2 is trained on."""
        return self.path / "selection.json"

    @property
    def report(self) -> Path:
        """Folder of the report."""
        return self.path / "report"
