"""Small prepared sets and labelers for the tests of pseudo-labelling."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from dap_core.model import save_checkpoint
from dap_core.model.tiny import DapTiny, TinyConfig
from training.data.prepared import PreparedSet, shard_path, write_manifest
from training.data.range_code import encode_label
from training.data.shards import Record, write_shard

HEIGHT = 32


def make_set(
    folder: Path, name: str, shards: Sequence[int] = (3, 4, 2), seed: int = 0, labelled: bool = True
) -> PreparedSet:
    """A prepared set of `sum(shards)` pictures; samples of even number are outdoor, three in a row are of one video."""
    write_manifest(
        folder, {"name": name, "kind": "test", "labelled": labelled, "height": HEIGHT, "shards": len(shards)}
    )
    first = 0
    for number, count in enumerate(shards):
        numbers = range(first, first + count)
        write_shard(shard_path(folder, number), [_record(seed, k, labelled) for k in numbers], {"left_out": []})
        first += count
    return PreparedSet(folder)


def _record(seed: int, number: int, labelled: bool) -> Record:
    """A box room of random size, its range exact and its brightness falling with it."""
    rng = np.random.default_rng([seed, number])
    u, v = np.meshgrid(np.arange(2 * HEIGHT) + 0.5, np.arange(HEIGHT) + 0.5)
    azimuth, elevation = (0.5 - u / (2 * HEIGHT)) * 2 * np.pi, (0.5 - v / HEIGHT) * np.pi
    ray = np.stack([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    half = rng.uniform(1.0, 6.0, 3)[:, None, None]
    range_m = (half / np.maximum(np.abs(ray), 1e-6)).min(0).astype(np.float32)
    if number % 2 == 0:
        range_m[elevation > 0.6] = np.inf
    grey = np.clip(200.0 / (1.0 + 0.3 * range_m) + 30.0 * rng.random(range_m.shape), 0, 255).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", np.repeat(grey[..., None], 3, 2), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    parts = {"jpg": jpeg} | ({"range.png": encode_label(range_m)} if labelled else {})
    about = {"name": f"place {number}", "group": f"walk {number // 3}", "domain": "indoor" if number % 2 else "outdoor"}
    return Record(parts, about)


def make_labeler(path: Path, seed: int = 0) -> Path:
    """A very small model with random weights, whose ranges are spread over metres."""
    torch.manual_seed(seed)
    model = DapTiny(TinyConfig(stem=8, channels=(8, 8), dim=32, coarse_dim=32, blocks=(1, 1, 1)))
    with torch.no_grad():
        model.head.weight.mul_(30.0)
    save_checkpoint(model, path)
    return path
