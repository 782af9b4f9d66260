"""`dap convert`: a released checkpoint becomes one of ours, checked key by key."""

from __future__ import annotations

import argparse
import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from dap_core.errors import InputError

if TYPE_CHECKING:
    from rich.progress import Progress

HELP = "turn a released DAP checkpoint into a safetensors file with its configuration inside"

CHUNK = 1 << 22


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help="released .pth or .safetensors, or a checkpoint of ours")
    parser.add_argument("destination", type=Path, help="the .safetensors file to write")
    parser.add_argument("--half", action="store_true", help="store the weights as float16: half the size")
    parser.add_argument("--force", action="store_true", help="overwrite the destination")


def run(args: argparse.Namespace) -> int:
    """Convert, and print the model, what was left out and both hashes. Raises InputError, and then leaves no file."""
    source, destination = args.source, args.destination
    if destination.suffix != ".safetensors":
        raise InputError(f"the destination must end in .safetensors: {destination}")
    if not destination.parent.is_dir():
        raise InputError(f"no such folder: {destination.parent}")
    if destination.is_dir() or (destination.exists() and not args.force):
        raise InputError(f"{destination} exists: give another name, or --force to overwrite it")
    if not source.is_file():
        raise InputError(f"{source}: no such file")
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from dap_core.model.checkpoint import read_checkpoint, save_checkpoint

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        source_hash = _sha256(source, progress)
        step = progress.add_task(f"checking {source.name}", total=None)
        checkpoint = read_checkpoint(source)
        module = checkpoint.module()
        progress.update(step, total=1, completed=1)
        step = progress.add_task(f"writing {destination.name}", total=None)
        save_checkpoint(module, destination, half=args.half)
        progress.update(step, total=1, completed=1)
        destination_hash = _sha256(destination, progress)

    config = checkpoint.config
    parameters = sum(parameter.numel() for parameter in module.parameters())
    print(
        f"{config.name}: {parameters / 1e6:.1f} M parameters in {len(checkpoint.tensors)} tensors, "
        f"{'half' if args.half else 'single'} precision, {config.height}x{config.width}, range {config.max_range_m:g} m"
    )
    for reason, names in _grouped(checkpoint.dropped).items():
        print(f"left out, {reason}:")
        for name, count in names.items():
            print(f"  {name}" + (f"  ({count} tensors)" if count > 1 else ""))
    for path, digest in ((source, source_hash), (destination, destination_hash)):
        print(f"{digest}  {path}  ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


def _grouped(dropped: dict[str, str]) -> dict[str, Counter[str]]:
    """Reason -> what was left out, whole blocks and units as `*` -> how many tensors."""
    groups: dict[str, Counter[str]] = {}
    for name, reason in dropped.items():
        groups.setdefault(reason, Counter())[re.sub(r"(blocks|resConfUnit1)\..*", r"\1.*", name)] += 1
    return groups


def _sha256(path: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    step = progress.add_task(f"hashing {path.name}", total=path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            progress.advance(step, len(chunk))
    return digest.hexdigest()
