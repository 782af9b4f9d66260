"""A model as it is named on the command line, and the file that each backend opens for it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from dap_core.backends.models import BUNDLED, CHECKPOINTS, ENGINES, QUANTISED, RELEASED, resolve_model
from dap_core.backends.spec import ModelSpec
from dap_core.benchmark.child import Failed, ask_once
from dap_core.errors import InputError


class Source:
    """A preset's name, an export, an engine or a checkpoint; with `random_weights`, a preset that comes without any.

    What has to be made (exports at other resolutions, random weights) is made in processes of their own, in `folder`,
    and taken from there when it is there already. Raises InputError for something else.
    """

    def __init__(self, model: str, folder: Path, random_weights: bool = False) -> None:
        self._folder = folder
        self._made_up = model in RELEASED and random_weights
        if self._made_up:
            self.name, self.weights = model, "random"
            self._path = folder / f"{model}-random.safetensors"
            return
        try:
            self._path = resolve_model(model)
        except InputError as error:
            hint = "; or measure its speed alone with --random-weights" if model in RELEASED else ""
            raise InputError(f"{error}{hint}") from None
        ours = model in (*BUNDLED, *QUANTISED)
        self.name, self.weights = (model, "bundled") if ours else (self._path.stem, "own")

    @cached_property
    def spec(self) -> ModelSpec:
        """What the model says about itself, at its own resolution."""
        if self._made_up and not self._path.is_file():
            ask_once("write_random", preset=self.name, path=self._path)
        return ask_once("describe", path=self._path)

    def file(self, backend: str, height: int) -> Path:
        """The file that a backend (of `dap_core.backends`, a form after a colon left out) opens at `height`; Failed
        where there is none and none can be made."""
        spec = self.spec
        if backend == "torch":
            return self._checkpoint("torch runs checkpoints")
        if self._path.suffix.lower() not in CHECKPOINTS:
            if self._path.suffix.lower() in ENGINES and backend != "tensorrt":
                raise Failed("an engine runs in tensorrt only")
            if height == spec.height:
                return self._path
        checkpoint = self._checkpoint(f"an export runs at its own resolution, {spec.height}x{spec.width}")
        made = self._folder / f"{self.name}-{spec.weights_sha256[:8]}-{height}.onnx"
        if not made.is_file():
            ask_once("export", checkpoint=checkpoint, path=made, height=height)
        return made

    def _checkpoint(self, why: str) -> Path:
        if self._path.suffix.lower() in CHECKPOINTS:
            return self._path
        if self.name in BUNDLED and self.weights == "bundled":
            return resolve_model(self.name, for_torch=True)
        raise Failed(f"{why}: give the checkpoint of {self._path.name}")
