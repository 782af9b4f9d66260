"""`dap card`: measure a trained model and write its card."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from pathlib import Path

HELP = "write a model card: figures by group of scenes beside image-blind baselines"

BACKEND = "onnxruntime"
PRIOR_SCENES = 400
ROLL, ROLL_SCENES = 160, 8


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="an exported .onnx, a checkpoint, or dap-tiny")
    parser.add_argument(
        "--run", type=Path, required=True, help="folder of the training run (its configuration and log)"
    )
    parser.add_argument("--scenes", type=int, default=200, help="held-out procedural scenes (default: %(default)s)")
    parser.add_argument("--rendered", type=Path, help="folder of *_rgb.png and *_depth.npz pairs of another origin")
    parser.add_argument("--notes", type=Path, help="markdown put at the head of the card: command, data, wall time")
    parser.add_argument("--backend", default=BACKEND)
    parser.add_argument("--out", type=Path, required=True, help="the card, markdown; figures go beside it as .json")
    parser.add_argument(
        "--accuracy", type=Path, help="the page on accuracy, markdown: protocol, figures, published rivals"
    )


def run(args: argparse.Namespace) -> int:
    from collections import Counter
    from dataclasses import asdict, replace
    from itertools import chain

    from rich.progress import track

    from dap_core import DepthEstimator
    from dap_core.errors import InputError
    from dap_core.evaluation.baselines import floor_plane, row_prior
    from dap_core.io.atomic import written_beside
    from training.accuracy_page import accuracy_page
    from training.card import (
        Measured,
        behind_priors,
        evaluate,
        losses_to_prior,
        markdown,
        predictors,
        procedural_scenes,
        rendered_scenes,
        roll_difference,
    )
    from training.config import load_config
    from training.data.stores import held_out_store, training_store

    config = load_config(args.run / "config.json")
    last = config.phases[-1]
    train, test = training_store(config.data, last.height), held_out_store(config.data, last.height)
    with DepthEstimator.open(args.model, args.backend) as estimator:
        limit = estimator.spec.limit_m
        scenes = range(min(PRIOR_SCENES, last.scenes))
        prior = row_prior((train[i][1] for i in track(scenes, "prior from training scenes")), limit)
        counts: Counter[str] = Counter()

        def counted():
            sources = [procedural_scenes(test, args.scenes)]
            if args.rendered:
                sources.append(replace(s, group=f"rendered {s.group}") for s in rendered_scenes(args.rendered))
            for scene in track(chain(*sources), "scenes", total=args.scenes):
                counts[scene.group] += 1
                yield scene

        figures = evaluate(estimator, prior, counted())
        measured = Measured(
            estimator.spec.name,
            estimator.spec.weights_sha256,
            estimator.backend.reason,
            limit,
            figures,
            dict(counts),
            len(scenes),
            floor_plane(prior),
        )
        rolls = [roll_difference(estimator, estimator.prepare(test[i][0])[0], ROLL) for i in range(ROLL_SCENES)]
        roll = f"median {max(r[0] for r in rolls):.1e}, maximum {max(r[1] for r in rolls):.1e}"
    text = args.notes.read_text() if args.notes else f"# {measured.model}\n"
    body = (
        f"{text}\n## Figures\n\nWeights sha256 `{measured.weights_sha256}`, measured with {measured.backend}.\n\n"
        f"{predictors(measured)}\n{markdown(figures, counts)}\n{behind_priors(figures)}\n"
        f"Rolling the input by {ROLL} columns rolls the range: relative difference {roll} over {ROLL_SCENES} scenes.\n"
    )
    with written_beside(args.out) as path:
        path.write_text(body)
    cells = {g: {n: {c: m.as_dict() for c, m in cs.items()} for n, cs in ns.items()} for g, ns in figures.items()}
    with written_beside(args.out.with_suffix(".json")) as path:
        path.write_text(
            json.dumps({"counts": counts, "floor_plane": asdict(measured.plane), "figures": cells}, indent=1) + "\n"
        )
    if args.accuracy:
        with written_beside(args.accuracy) as path:
            path.write_text(accuracy_page(measured, _link(args.out, args.accuracy), _command(args)))
    print(markdown(figures, counts))
    lost = losses_to_prior(figures)
    if lost:
        raise InputError(f"{measured.model} does not beat the image-blind prior on: {', '.join(lost)}")
    return 0


def _link(target: Path, page: Path) -> str:
    """`target` as a link from `page`."""
    return Path(os.path.relpath(target, page.parent)).as_posix()


def _command(args: argparse.Namespace) -> str:
    """The command line of this run; what a reader has elsewhere is named, not located."""
    what = ["dap", "card", args.model, "--run", args.run.as_posix(), "--scenes", str(args.scenes)]
    what += ["--rendered", "RENDERED"] * bool(args.rendered) + ["--notes", "NOTES"] * bool(args.notes)
    what += ["--backend", args.backend] * (args.backend != BACKEND)
    where = ["--out", args.out.as_posix(), "--accuracy", args.accuracy.as_posix()]
    return f"{shlex.join(what)} \\\n    {shlex.join(where)}"
