"""`dap train`: the stages of the training pipeline."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "train the model: stage1 (the scene-invariant labeler)"


def configure(parser: argparse.ArgumentParser) -> None:
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    stage1 = stages.add_parser("stage1", help="train a preset on panoramas with exact range")
    stage1.add_argument("--config", required=True, help="YAML file, see config/training")
    stage1.add_argument("--out", type=Path, default=None, help="folder of the run (default: runs/<name of the config>)")
    stage1.add_argument("--restart", action="store_true", help="start afresh instead of continuing the run in --out")
    stage1.add_argument(
        "--accept-changes", action="store_true", help="continue the run although its configuration changed; logged"
    )
    stage1.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))


def run(args: argparse.Namespace) -> int:
    from training.config import load_config
    from training.stages.stage1 import train_stage1
    from training.trainer import Interrupted

    config = load_config(args.config)
    folder = args.out or Path("runs") / Path(args.config).stem
    try:
        checkpoint = train_stage1(config, folder, args.restart, args.device, args.accept_changes)
    except Interrupted as stop:
        print(stop)
        return 3
    print(f"wrote {checkpoint}; next: dap export onnx {checkpoint} {checkpoint.with_suffix('.onnx')}")
    return 0
