"""Which procedural scenes a run trains on, validates on, is tested on, and which int8 is calibrated on: disjoint seeds.

There is one store for each height.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from training.config import WorldsData
from training.worlds.store import WorldsStore

#: Seeds are `data.seed` + height * HEIGHT_STRIDE + split * SPLIT_STRIDE + scene, so that no two stores share a scene.
HEIGHT_STRIDE = 10_000_000
SPLIT_STRIDE = 1_000_000_000_000
SPLITS = ("train", "validation", "test", "calibration")


def split_seed(seed: int, height: int, split: str) -> int:
    """Seed of the first scene of a split, under the configuration's `seed`."""
    return seed + height * HEIGHT_STRIDE + SPLITS.index(split) * SPLIT_STRIDE


def open_store(data: WorldsData, height: int, split: str) -> WorldsStore:
    """The store of one split at one height, in `<folder>/<split>-<height>`."""
    seed = split_seed(data.seed, height, split)
    return WorldsStore(Path(data.folder) / f"{split}-{height}", seed, height, kinds=data.kinds or ())


def training_store(data: WorldsData, height: int) -> WorldsStore:
    """The scenes that steps draw from."""
    return open_store(data, height, "train")


def validation_store(data: WorldsData, height: int) -> WorldsStore:
    """Scenes that no step draws, looked at while training."""
    return open_store(replace(data, kinds=None), height, "validation")


def held_out_store(data: WorldsData, height: int) -> WorldsStore:
    """Scenes that nothing looks at before the model card is written."""
    return open_store(replace(data, kinds=None), height, "test")
