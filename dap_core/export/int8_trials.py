"""Which products of an export may be int8: each is tried alone, and the worst stay in floating point.

Everything runs in ONNX Runtime on the CPU, which computes the integers that other runtimes do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from dap_core.backends import Progress
from dap_core.backends.spec import ModelSpec
from dap_core.evaluation.metrics import depth_metrics
from dap_core.evaluation.resampling import resize_nearest
from dap_core.export.calibration import open_session
from dap_core.export.quantized_graph import products, quantized


@dataclass(frozen=True)
class Panorama:
    """One picture (1, h, 2 h, 3) uint8 at the model's resolution, and its true range (H, 2 H) in metres if known."""

    group: str
    image: NDArray[np.uint8]
    truth: NDArray[np.float32] | None


@dataclass(frozen=True)
class Budget:
    """What int8 may cost on the panoramas that it is judged by.

    median  mean over the panoramas of the median relative difference of the depth
    absrel  by how much, of itself, the AbsRel of any group of panoramas with truth could change: if every difference
            pointed the wrong way. What it does change by is luck, and other on other panoramas
    """

    median: float = 0.01
    absrel: float = 0.01


@dataclass(frozen=True)
class Cost:
    """Differences of depth (`limit_m` where far) from the float model: as in `Budget`, and the mean of all pixels.

    `absrel` holds for each group AbsRel before and after, and by how much it could have changed.
    """

    median: float
    mean: float
    far_flips: float
    absrel: Mapping[str, tuple[float, float, float]]

    def within(self, budget: Budget) -> bool:
        """Whether the budget holds; a nan never does."""
        possible = [moved / before for before, _, moved in self.absrel.values()]
        return self.median <= budget.median and all(change <= budget.absrel for change in possible)


class Trials:
    """An export, the largest inputs of its products, and panoramas to try int8 on."""

    def __init__(
        self,
        model: onnx.ModelProto,
        spec: ModelSpec,
        largest: Mapping[str, float],
        panoramas: Sequence[Panorama],
        threads: int,
        progress: Progress = lambda what, share: None,
    ) -> None:
        self._model, self._spec, self._largest = model, spec, largest
        self._panoramas, self._threads, self._progress = panoramas, threads, progress
        self._alone: dict[tuple[str, int], float] = {}
        self._depths = list(self._run(model, panoramas, "running the model in float32"))

    def cost(self, names: Collection[str], what: str, panoramas: int | None = None) -> Cost:
        """With the products `names` in int8, on the first `panoramas` (default: all)."""
        chosen = self._panoramas[:panoramas]
        medians, means, flips = [], [], []
        errors: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        model = quantized(self._model, self._largest, names)
        limit = np.float32(self._spec.limit_m)
        for panorama, before, after in zip(chosen, self._depths, self._run(model, chosen, what), strict=False):
            difference = np.abs(after / before - 1.0)
            medians.append(np.median(difference))
            means.append(difference.mean())
            flips.append(((before == limit) != (after == limit)).mean())
            if panorama.truth is not None:
                errors[panorama.group].append(self._errors(panorama.truth, before, after))
        absrel = {}
        for group, rows in errors.items():
            before, after, moved = np.nanmean(rows, axis=0).tolist()
            absrel[group] = before, after, moved
        return Cost(float(np.mean(medians)), float(np.mean(means)), float(np.mean(flips)), absrel)

    def choose(self, budget: Budget, panoramas: int) -> tuple[list[str], Cost]:
        """The products that stay within the budget together, and what they cost.

        All, if they do. Else each is tried alone on the first `panoramas`, and as few of the worst (by the mean
        difference of the depth) are left out as halving finds. Empty where not even one product is cheap enough.
        """
        names = list(products(self._model))
        cost = self.cost(names, f"all {len(names)} products in int8")
        if cost.within(budget):
            return names, cost
        order = sorted(names, key=self.alone(panoramas).__getitem__)
        low, high = 0, len(order)
        found: tuple[list[str], Cost] = [], Cost(0.0, 0.0, 0.0, {})
        while high - low > 1:
            middle = (low + high) // 2
            cost = self.cost(order[:middle], f"the {middle} best products in int8")
            if cost.within(budget):
                low, found = middle, (order[:middle], cost)
            else:
                high = middle
        kept = set(found[0])
        return [name for name in names if name in kept], found[1]

    def alone(self, panoramas: int) -> dict[str, float]:
        """The mean difference of the depth that each product makes alone, on the first `panoramas`."""
        names = list(products(self._model))
        for i, name in enumerate(names):
            if (name, panoramas) not in self._alone:
                self._progress(f"product {i + 1} of {len(names)} alone in int8", i / len(names))
                self._alone[name, panoramas] = self.cost([name], "", panoramas).mean
        return {name: self._alone[name, panoramas] for name in names}

    def _errors(
        self, truth: NDArray[np.float32], before: NDArray[np.float32], after: NDArray[np.float32]
    ) -> tuple[float, float, float]:
        """AbsRel of both depths (h, 2 h), and the mean difference between them relative to the truth (H, 2 H)."""
        truth = np.where(truth <= self._spec.limit_m, truth, np.float32(np.nan))
        first, second = (resize_nearest(depth, truth.shape[0]) for depth in (before, after))
        moved = np.abs(second - first) / truth
        known = np.isfinite(moved) & (truth > 0)
        mean = float(moved[known].mean()) if known.any() else float("nan")
        return depth_metrics(first, truth).absrel, depth_metrics(second, truth).absrel, mean

    def _run(self, model: onnx.ModelProto, panoramas: Sequence[Panorama], what: str) -> Iterator[NDArray[np.float32]]:
        """Depth (h, 2 h) of each panorama, `limit_m` where far."""
        session = open_session(model, self._threads)
        for i, panorama in enumerate(panoramas):
            if what:
                self._progress(what, i / len(panoramas))
            range_m, far = session.run(["range_m", "far"], {"image": panorama.image})
            limit = np.float32(self._spec.limit_m)
            yield np.where(far[0] > self._spec.far_threshold, limit, np.minimum(range_m[0], limit))
