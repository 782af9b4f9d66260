"""From what the user calls a model (a preset's name, a path) to a file."""

from __future__ import annotations

from pathlib import Path

from dap_core.errors import InputError

#: Suffixes of exported models, of engines compiled from them, and of checkpoints.
EXPORTS = frozenset({".onnx"})
ENGINES = frozenset({".engine"})
CHECKPOINTS = frozenset({".safetensors", ".pth", ".pt"})

#: Presets whose weights come with the package, and those whose weights are the released ones.
BUNDLED = ("dap-tiny",)
RELEASED = ("dap-s", "dap-b", "dap-l")
#: Exports in int8 that come with the package, and the presets that they were made of.
QUANTISED = {"dap-tiny-int8": "dap-tiny"}

#: Where the bundled files lie.
MODELS = Path(__file__).resolve().parent.parent / "models"


def resolve_model(model: str | Path, *, for_torch: bool | None = None) -> Path:
    """The file of a model: an export, an engine, or a checkpoint.

    `for_torch` says what the backend reads: True a checkpoint, False an export or an engine, None any of them (a
    bundled model is then its export). Raises InputError, with what to do instead, for anything else.
    """
    text = str(model)
    if text in QUANTISED and for_torch:
        raise InputError(f"{text} is an export, and the torch backend reads a checkpoint: give {QUANTISED[text]}")
    if text in (*BUNDLED, *QUANTISED):
        path = MODELS / f"{text}{'.safetensors' if for_torch else '.onnx'}"
        if not path.is_file():
            raise InputError(f"{path} is missing from this installation: install dap_ros again")
        return path
    if text in RELEASED:
        raise InputError(
            f"the weights of {text} are not shipped: get them as github.com/Insta360-Research-Team/DAP says, then "
            f"`dap convert RELEASED.pth {text}.safetensors`, `dap export onnx {text}.safetensors {text}.onnx`, "
            f"and give the path of {text}.onnx"
        )
    path = Path(model).expanduser()
    suffix = path.suffix.lower()
    if suffix not in EXPORTS | ENGINES | CHECKPOINTS:
        raise InputError(
            f"no model {text!r}: give a preset ({', '.join((*BUNDLED, *QUANTISED, *RELEASED))}) or the path of an "
            f"exported .onnx, of an .engine built from one, or of a .safetensors or .pth checkpoint"
        )
    if not path.is_file():
        raise InputError(f"no model file {path}")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    if for_torch is True and suffix not in CHECKPOINTS:
        raise InputError(f"{path}: the torch backend reads a checkpoint (.safetensors, .pth), not an export")
    if for_torch is False and suffix in CHECKPOINTS:
        raise InputError(
            f"{path}: a checkpoint runs in the torch backend only: `dap export onnx {path} {path.with_suffix('.onnx')}`"
        )
    return path
