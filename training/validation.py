"""Validation on procedural scenes that training never draws, with the metrics that users have."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dap_core.evaluation.metrics import DepthMetrics, depth_metrics, horizon_band, mean_metrics
from training.data.batches import to_network
from training.worlds.store import WorldsStore


@dataclass(frozen=True)
class Validation:
    """Figures of one pass: raw metrics, in the band within 30 degrees of the horizon, far IoU, and by kind of scene."""

    all: DepthMetrics
    band: DepthMetrics
    far_iou: float
    by_kind: dict[str, DepthMetrics]

    def as_dict(self) -> dict:
        return {
            "all": self.all.as_dict(),
            "band": self.band.as_dict(),
            "far_iou": self.far_iou,
            "by_kind": {kind: m.as_dict() for kind, m in sorted(self.by_kind.items())},
        }


@torch.no_grad()
def predict(model: nn.Module, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Range (H, W) in metres, the model's limit where far, and far (H, W)."""
    device = next(model.parameters()).device
    limit = float(model.config.max_range_m)  # type: ignore[union-attr,arg-type]
    x, _ = to_network(torch.from_numpy(image)[None].to(device), torch.zeros(1, *image.shape[:2], device=device), limit)
    depth, far = model(x)
    far_map = far[0].float().cpu().numpy() > 0.5
    return np.where(far_map, np.float32(limit), depth[0].float().cpu().numpy() * np.float32(limit)), far_map


def validate(model: nn.Module, store: WorldsStore, scenes: int) -> Validation:
    """Run `model` (in eval mode) over the first `scenes` of `store`."""
    limit = float(model.config.max_range_m)  # type: ignore[union-attr,arg-type]
    everywhere, band, by_kind = [], [], defaultdict(list)
    overlap = union = 0
    for scene in range(scenes):
        image, truth, kind = store[scene]
        predicted, far = predict(model, image)
        measured = np.where(truth <= limit, truth, np.nan)
        metrics = depth_metrics(predicted, measured)
        everywhere.append(metrics)
        by_kind[kind].append(metrics)
        band.append(depth_metrics(predicted, measured, horizon_band(store.height)))
        beyond = truth > limit
        overlap += int((far & beyond).sum())
        union += int((far | beyond).sum())
    return Validation(
        mean_metrics(everywhere),
        mean_metrics(band),
        overlap / union if union else float("nan"),
        {kind: mean_metrics(rows) for kind, rows in by_kind.items()},
    )
