"""`dap pseudo`: label panoramas with a trained model, and keep the labels that a discriminator finds plausible."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dap_core.errors import InputError

if TYPE_CHECKING:
    from training.data.labels import LabelledSet
    from training.pseudo.progress import Progress

HELP = "pseudo-labels: fit a discriminator, test it, label sets, select the best labels, report; all resumable"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    fit = actions.add_parser(
        "discriminator", help="train it on the depth of a ladder of checkpoints, of which ground truth tells the errors"
    )
    fit.add_argument("sets", type=Path, nargs="+", metavar="SET", help="prepared sets with ground truth")
    fit.add_argument("--ladder", type=Path, nargs="+", required=True, help="checkpoints, or the folder they are in")
    fit.add_argument("--config", type=Path, help="YAML file of its configuration (default: that of the paper's model)")
    fit.add_argument("--out", type=Path, required=True, help="folder of the run")
    fit.add_argument("--restart", action="store_true", help="start afresh instead of continuing what is in --out")

    accept = actions.add_parser("accept", help="test it: does its score rank held-out scenes by their true error?")
    accept.add_argument("sets", type=Path, nargs="+", metavar="SET", help="prepared sets with ground truth")
    accept.add_argument("--discriminator", type=Path, required=True)
    accept.add_argument("--ladder", type=Path, nargs="+", required=True, help="checkpoints, or the folder they are in")
    accept.add_argument("--out", type=Path, required=True, help="folder for labels, acceptance.json and .png")

    label = actions.add_parser("label", help="label sets; start it on as many machines as there are, in any order")
    label.add_argument("sets", type=Path, nargs="+", metavar="SET", help="prepared sets")
    label.add_argument("--labeler", type=Path, required=True, help="the checkpoint")
    label.add_argument("--discriminator", type=Path, help="scores the labels as well")
    label.add_argument("--out", type=Path, help="folder of the labels (default: in the sets)")
    label.add_argument("--rank", type=int, help="which of --world this process is, from 0 (default: torchrun's RANK)")
    label.add_argument("--world", type=int, help="processes that share the work (default: torchrun's WORLD_SIZE)")
    label.add_argument("--batch", type=int, default=8, help="panoramas at a time (default: %(default)s)")

    select = actions.add_parser("select", help="keep the most plausible labels of each domain")
    report = actions.add_parser("report", help="a page of scores, of what was kept, of the best and worst labels")
    for command in (select, report):
        command.add_argument("sets", type=Path, nargs="+", metavar="SET", help="prepared sets, labelled and scored")
        command.add_argument("--labeler", type=Path, required=True, help="the checkpoint whose labels they are")
        command.add_argument("--labels", type=Path, help="the --out that they were labelled with")
    select.add_argument("--indoor", type=float, default=1.0, help="share, or number above 1 (default: %(default)s)")
    select.add_argument("--outdoor", type=float, default=1.0, help="share, or number above 1 (default: %(default)s)")
    select.add_argument("--unknown", type=float, default=0.0, help="of neither domain (default: %(default)s)")
    select.add_argument("--per-group", type=int, help="most of one source video or scene (default: any)")
    select.add_argument("--out", type=Path, required=True, help="the selection, JSON")
    report.add_argument("--selection", type=Path, required=True, help="what `select` wrote")
    report.add_argument("--acceptance", type=Path, help="acceptance.json, to be shown too")
    report.add_argument("--out", type=Path, required=True, help="folder of the page")

    for command in (fit, accept, label):
        command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Run one sub-command."""
    return {"discriminator": _fit, "accept": _accept, "label": _label, "select": _select, "report": _report}[
        args.action
    ](args)


def _fit(args: argparse.Namespace) -> int:
    from training.config import build_dataclass, read_values
    from training.data.prepared import PreparedSet
    from training.pseudo.adversary import fit_discriminator
    from training.pseudo.discriminator import DiscriminatorConfig

    config = DiscriminatorConfig()
    if args.config:
        config = build_dataclass(DiscriminatorConfig, read_values(args.config), str(args.config))
    with _bar() as progress:
        path = fit_discriminator(
            [PreparedSet(folder) for folder in args.sets],
            _ladder(args.ladder),
            config,
            args.out,
            args.restart,
            args.device,
            progress,
        )
    print(f"wrote {path}; next: dap pseudo accept")
    return 0


def _accept(args: argparse.Namespace) -> int:
    from training.data.prepared import PreparedSet
    from training.pseudo.acceptance import WANTED, accept

    sets, ladder = [PreparedSet(folder) for folder in args.sets], _ladder(args.ladder)
    with _bar() as progress:
        acceptance = accept(args.discriminator, ladder, sets, args.out, args.device, progress)
    for domain, found in acceptance.domains.items():
        print(
            f"{domain}: {found.scenes} scenes, rank correlation of score with -AbsRel {found.last:.3f} across the "
            f"scenes of {ladder[-1].name} (wanted {WANTED}); {found.pooled:.3f} over all checkpoints, "
            f"{found.in_scene:.3f} within a scene"
        )
    print(f"{'passed' if acceptance.passed else 'not passed'}: {args.out / 'acceptance.png'}")
    return 0 if acceptance.passed else 1


def _label(args: argparse.Namespace) -> int:
    from training.data.prepared import PreparedSet
    from training.pseudo.labelling import label_set

    rank = _number(args.rank, "RANK", 0)
    world = _number(args.world, "WORLD_SIZE", 1)
    with _bar() as progress:
        for folder in args.sets:
            where = (args.labeler, _labels_folder(folder, args.out), args.discriminator)
            label_set(PreparedSet(folder), *where, rank, world, args.batch, args.device, progress)
    print(f"rank {rank} of {world} is done" + "".join(f"; {lack}" for lack in _lacking(args)))
    return 0


def _lacking(args: argparse.Namespace) -> Iterator[str]:
    """Which sets other ranks have not finished."""
    from training.data.labels import LabelledSet
    from training.data.prepared import PreparedSet
    from training.data.shards import file_sha256

    judge = file_sha256(args.discriminator) if args.discriminator else None
    for folder in args.sets:
        images = PreparedSet(folder)
        labels = LabelledSet(images, file_sha256(args.labeler), _labels_folder(folder, args.out), judge)
        if missing := labels.missing():
            yield f"{images.name} still lacks {len(missing)} of {len(images.shards)} shards, of other ranks"


def _select(args: argparse.Namespace) -> int:
    from training.pseudo.selection import SelectionConfig, select

    config = SelectionConfig(args.indoor, args.outdoor, args.unknown, args.per_group)
    selection = select(_labelled(args), config)
    selection.write(args.out)
    for domain, one in selection.domains.items():
        threshold = "" if one.threshold is None else f", scores from {one.threshold:.3f}"
        print(
            f"{domain}: kept {one.kept} of {one.candidates}{threshold}; {one.capped} passed over, their group was full"
        )
    print(f"wrote {args.out}: {len(selection)} labels")
    return 0


def _report(args: argparse.Namespace) -> int:
    from training.pseudo.acceptance import Acceptance
    from training.pseudo.report import write_report
    from training.pseudo.selection import Selection

    acceptance = Acceptance.read(args.acceptance) if args.acceptance else None
    page = write_report(_labelled(args), Selection.read(args.selection), args.out, acceptance)
    print(f"wrote {page}")
    return 0


def _labelled(args: argparse.Namespace) -> list[LabelledSet]:
    """The sets with their labels, all of which must be there."""
    from training.data.labels import LabelledSet
    from training.data.prepared import PreparedSet
    from training.data.shards import file_sha256

    if not args.labeler.is_file():
        raise InputError(f"no checkpoint {args.labeler}")
    sha256 = file_sha256(args.labeler)
    found = []
    for folder in args.sets:
        images = PreparedSet(folder)
        labels = LabelledSet(images, sha256, _labels_folder(folder, args.labels))
        if missing := labels.missing():
            raise InputError(
                f"{len(missing)} of {len(images.shards)} shards of {images.name} lack labels of {args.labeler.name}, "
                f"the first is {labels.path(missing[0])}; run dap pseudo label again"
            )
        found.append(labels)
    return found


def _labels_folder(images: Path, out: Path | None) -> Path:
    return images / "labels" if out is None else out / images.resolve().name


def _ladder(paths: Sequence[Path]) -> list[Path]:
    """Checkpoints as named; of a folder all that are in it, by name."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"no checkpoints (*.safetensors) in {path}")
        found += inside
    return found


def _number(given: int | None, variable: str, default: int) -> int:
    """What was given, else what torchrun says."""
    if given is not None:
        return given
    text = os.environ.get(variable, str(default))
    if not text.isdigit():
        raise InputError(f"{variable} must be a whole number, got {text!r}")
    return int(text)


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, TimeRemainingColumn()) as bar:
        tasks = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield progress
