"""`dap data`: prepare data sets for training, and look at what is prepared."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dap_core.errors import InputError

if TYPE_CHECKING:
    from training.data.prepared import PreparedSet
    from training.data.sets import Reader

HELP = "Prepare data sets for training: resized once into shards; and show what is in them."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    prepare = actions.add_parser("prepare", help="resize a data set into shards; goes on where an earlier run stopped")
    kinds = prepare.add_subparsers(dest="kind", metavar="KIND", required=True)

    structured = kinds.add_parser("structured3d", help="Structured3D, as extracted: ROOT/scene_00000/2D_rendering/...")
    structured.add_argument("--split", default="train", help="train, validation, test or all (default: %(default)s)")
    structured.add_argument("--furniture", default="full", help="full, simple or empty (default: %(default)s)")
    structured.add_argument("--light", default="raw", help="raw, cold or warm (default: %(default)s)")
    structured.add_argument("--exclude", type=Path, help="names to leave out: the data set's errata.txt")

    pairs = kinds.add_parser("list", help="a list of image and depth pairs, as of DAP-2M: two paths a line, under ROOT")
    pairs.add_argument("--list", type=Path, required=True, dest="file", help="the list")
    pairs.add_argument("--domain", default="outdoor", choices=("indoor", "outdoor", "unknown"))
    pairs.add_argument("--scale", type=float, default=1000.0, help="steps of a PNG's depth to the metre (%(default)s)")
    pairs.add_argument("--cassini", action="store_true", help="images and depths are Cassini panoramas")

    deep = kinds.add_parser("deep360", help="Deep360: ROOT/ep1_500frames/training/rgb/...")
    deep.add_argument("--split", default="training", help="training, validation or testing (default: %(default)s)")
    deep.add_argument("--soiled", action="store_true", help="the pictures with dirt on the lens")

    unlabelled = kinds.add_parser("unlabelled", help="a folder of panoramas and 360-degree videos")
    unlabelled.add_argument("--every", type=float, default=2.0, help="seconds between frames of a video (%(default)s)")
    unlabelled.add_argument("--per-video", type=_positive, default=50, help="most frames of a video (%(default)s)")
    unlabelled.add_argument("--domains", type=Path, help="CSV: path of a file or folder, indoor or outdoor")
    unlabelled.add_argument("--classifier", help="asked where the list is silent: package.module:function")
    unlabelled.add_argument("--tilt", type=float, default=12.0, help="largest tilt in degrees, 0 for any (%(default)s)")
    unlabelled.add_argument("--duplicates", type=int, default=6, help="bits of a hash, -1 keeps all (%(default)s)")

    worlds = kinds.add_parser("worlds", help="procedural worlds")
    worlds.add_argument("--count", type=_positive, required=True, help="scenes")
    worlds.add_argument("--seed", type=int, default=0, help="seed of the first scene (default: %(default)s)")
    worlds.add_argument("--look", default="synthetic", help="synthetic or real-like (default: %(default)s)")
    worlds.add_argument("--no-labels", action="store_true", help="keep the pictures alone, as of a real camera")
    worlds.add_argument("--device", default="cpu", help="cpu or cuda:0 (default: %(default)s)")

    for kind, parts in (("structured3d", 1000), ("list", 1000), ("deep360", 100), ("unlabelled", 200), ("worlds", 250)):
        command = kinds.choices[kind]
        if kind != "worlds":
            command.add_argument("root", type=Path, metavar="ROOT", help="folder of the data set")
        command.add_argument("--out", type=Path, required=True, help="folder of the prepared set")
        command.add_argument("--name", help="name of the set in reports (default: the folder's)")
        command.add_argument("--height", type=_positive, default=512, help="rows of a panorama (default: %(default)s)")
        command.add_argument("--quality", type=_positive, default=95, help="of JPEG (default: %(default)s)")
        command.add_argument(
            "--per-shard", type=_positive, default=parts, help="sources a shard (default: %(default)s)"
        )
        command.add_argument("--workers", type=_positive, default=_cores(), help="processes (default: %(default)s)")

    info = actions.add_parser("info", help="what a prepared set holds, what was left out of it, whose labels it has")
    info.add_argument("folder", type=Path)
    info.add_argument("--verify", action="store_true", help="read every byte and compare it with its hash")
    info.add_argument("--sheet", type=Path, help="write a contact sheet, PNG")


def run(args: argparse.Namespace) -> int:
    """Run one sub-command."""
    return _prepare(args) if args.action == "prepare" else _info(args)


def _prepare(args: argparse.Namespace) -> int:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from training.data.plausible import Plausible
    from training.data.prepare import LEFT_OUT, Preparation, prepare

    unlabelled = args.kind == "unlabelled"
    how = Preparation(
        args.height,
        args.per_shard,
        args.quality,
        Plausible(tilt=args.tilt) if unlabelled else None,
        args.duplicates if unlabelled and args.duplicates >= 0 else None,
    )
    columns = (
        *(TextColumn("shards"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("", total=None, note="")
        prepared = prepare(
            _reader(args),
            args.out,
            args.name or args.out.name,
            how,
            args.workers,
            lambda done, total, kept, out: bar.update(
                task, completed=done, total=total, note=f"{kept} samples, {out} left out"
            ),
        )
    out = sum(1 for _ in (args.out / LEFT_OUT).open())
    print(f"{args.out}: {len(prepared)} samples in {len(prepared.shards)} shards")
    if out:
        print(f"{out} left out, {args.out / LEFT_OUT} says why")
    return 0


def _reader(args: argparse.Namespace) -> Reader:
    if args.kind == "structured3d":
        from training.data.sets.structured3d import Structured3D

        return Structured3D(args.root, args.split, args.furniture, args.light, args.exclude)
    if args.kind == "list":
        from training.data.sets.pair_list import PairList

        return PairList(args.root, args.file, args.domain, args.scale, args.cassini)
    if args.kind == "deep360":
        from training.data.sets.deep360 import Deep360

        return Deep360(args.root, args.split, args.soiled)
    if args.kind == "unlabelled":
        from training.data.sets.unlabelled import Unlabelled

        return Unlabelled(args.root, args.every, args.per_video, args.domains, args.classifier)
    from training.data.sets.worlds import Worlds

    return Worlds(args.count, args.seed, args.look, not args.no_labels, args.device)


def _info(args: argparse.Namespace) -> int:
    import json
    from collections import Counter

    from rich.progress import track

    from training.data.prepare import LEFT_OUT
    from training.data.prepared import PreparedSet

    prepared = PreparedSet(args.folder)
    about = list(prepared.about())
    domains, groups = Counter(a.domain for a in about), Counter(a.group for a in about)
    size = sum(shard.about["bytes"] for shard in prepared.shards)
    print(
        f"{prepared.name}: {prepared.manifest['kind']}, {len(prepared)} panoramas of {2 * prepared.height}x"
        f"{prepared.height}, {'with' if prepared.labelled else 'without'} ranges, {len(prepared.shards)} shards, "
        f"{size / 1e9:.2f} GB"
    )
    print("domains: " + ", ".join(f"{n} {domain}" for domain, n in sorted(domains.items())))
    print(f"groups: {len(groups)}, the largest of {max(groups.values())}")
    reasons: Counter[str] = Counter()
    with (args.folder / LEFT_OUT).open() as file:
        for line in file:
            why = str(json.loads(line)["why"])
            reasons["damaged" if "/" in why else why.split(":")[0].split("(")[0].strip()] += 1
    if reasons:
        print("left out: " + ", ".join(f"{n} {why}" for why, n in reasons.most_common()))
    for folder in sorted((args.folder / "labels").glob("*")):
        print(f"labels: {_labels(prepared, folder)}")
    if args.verify:
        for shard in track(prepared.shards, "verifying"):
            shard.verify()
        print("every byte is as it was written")
    if args.sheet:
        _sheet(prepared, args.sheet)
        print(f"wrote {args.sheet}")
    return 0


def _labels(prepared: PreparedSet, folder: Path) -> str:
    """Whose labels a folder holds, and how many shards are still missing."""
    from training.data.labels import LabelledSet
    from training.data.shards import Shard, is_finished

    done = [path for path in sorted(folder.glob("labels-*.tar")) if is_finished(path)]
    if not done:
        return f"{folder.name}, none finished"
    missing = len(LabelledSet(prepared, str(Shard(done[0]).about["labeler"]), folder.parent).missing())
    return folder.name + (f", {missing} of {len(prepared.shards)} shards missing" if missing else ", whole")


def _sheet(prepared: Any, path: Path) -> None:
    """24 samples spread over the set, each with its range where it has one."""
    import cv2
    import numpy as np

    from dap_core.io.images import write_image
    from training.worlds.contact import range_colours, sheet

    tiles = []
    for index in np.linspace(0, len(prepared) - 1, min(24, len(prepared))).astype(int):
        sample = prepared[int(index)]
        parts = [cv2.resize(sample.image, (320, 160), interpolation=cv2.INTER_AREA)]
        if sample.range_m is not None:
            parts.append(cv2.resize(range_colours(sample.range_m), (320, 160), interpolation=cv2.INTER_NEAREST))
        tiles.append(np.concatenate(parts))
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: no such folder")
    write_image(path, sheet(tiles, 4))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value
