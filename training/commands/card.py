"""`dap card`: measure a trained model and write its card."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = "write a model card: figures by group of scenes beside image-blind baselines"

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
    parser.add_argument("--backend", default="onnxruntime")
    parser.add_argument("--out", type=Path, required=True, help="the card, markdown; figures go beside it as .json")


def run(args: argparse.Namespace) -> int:
    from collections import Counter
    from dataclasses import replace
    from itertools import chain

    from rich.progress import track

    from dap_core import DepthEstimator
    from dap_core.errors import InputError
    from dap_core.evaluation.baselines import row_prior
    from dap_core.io.atomic import written_beside
    from training.card import (
        evaluate,
        losses_to_prior,
        markdown,
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
        backend = estimator.backend.reason
        limit = estimator.spec.max_range_m
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
        name, sha = estimator.spec.name, estimator.spec.weights_sha256
        rolls = [roll_difference(estimator, estimator.prepare(test[i][0])[0], ROLL) for i in range(ROLL_SCENES)]
        roll = f"median {max(r[0] for r in rolls):.1e}, maximum {max(r[1] for r in rolls):.1e}"
    text = args.notes.read_text() if args.notes else f"# {name}\n"
    body = (
        f"{text}\n## Figures\n\nWeights sha256 `{sha}`, measured with {backend}.\n\n{markdown(figures, counts)}\n"
        f"Rolling the input by {ROLL} columns rolls the range: relative difference {roll} over {ROLL_SCENES} scenes.\n"
    )
    with written_beside(args.out) as path:
        path.write_text(body)
    cells = {g: {n: {c: m.as_dict() for c, m in cs.items()} for n, cs in ns.items()} for g, ns in figures.items()}
    with written_beside(args.out.with_suffix(".json")) as path:
        path.write_text(json.dumps({"counts": counts, "figures": cells}, indent=1) + "\n")
    print(markdown(figures, counts))
    lost = losses_to_prior(figures)
    if lost:
        raise InputError(f"{name} does not beat the image-blind prior on: {', '.join(lost)}")
    return 0
