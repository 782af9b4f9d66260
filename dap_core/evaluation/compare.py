"""Two runs on the same panoramas: differences image by image, and how sure their mean is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.evaluation.metrics import LESS_IS_BETTER, METRICS
from dap_core.evaluation.report.tables import Row, heading_of, one_heading

RESAMPLES = 10_000
LEVEL = 0.95


@dataclass(frozen=True)
class Difference:
    """One metric of run B minus run A.

    a, b      means over the panoramas
    each      (n,) differences by panorama, in the order of `Comparison.names`
    interval  the `LEVEL` confidence interval of the mean difference (paired bootstrap); nan for a single panorama
    better    share of the panoramas on which B is better; ties count half
    """

    name: str
    a: float
    b: float
    each: NDArray[np.float64]
    interval: tuple[float, float]
    better: float

    @property
    def mean(self) -> float:
        """Mean difference."""
        return float(self.each.mean())

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `not told apart` where the interval holds zero."""
        low, high = self.interval
        if not (low > 0 or high < 0):
            return "not told apart"
        return "better" if (high < 0) == LESS_IS_BETTER[self.name] else "worse"


@dataclass(frozen=True)
class Comparison:
    """Two reports (A, B), the panoramas of both, and the difference in every metric, all pixels, unweighted."""

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    names: tuple[str, ...]
    differences: dict[str, Difference]


def compare(a: Mapping[str, Any], b: Mapping[str, Any], seed: int = 0) -> Comparison:
    """Compare two reports of `dap eval`.

    Raises InputError unless both are of one protocol, alignment and data set, with the same panoramas and the same
    ground truth in each.
    """
    one_heading([Row(heading_of(r), f"{label} ({r['model']['name']})", {}, "") for label, r in (("A", a), ("B", b))])
    in_a, in_b = ({image["name"]: image for image in r["images"]} for r in (a, b))
    for label, extra in (("A", sorted(in_a.keys() - in_b.keys())), ("B", sorted(in_b.keys() - in_a.keys()))):
        if extra:
            more = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
            raise InputError(f"not the same panoramas: {extra[0]}{more} only in {label}")
    changed = [name for name, image in in_a.items() if image["truth_crc"] != in_b[name]["truth_crc"]]
    if changed:
        raise InputError(f"not the same ground truth: it differs in {changed[0]} ({len(changed)} of {len(in_a)})")
    names = tuple(in_a)
    a_values, b_values = (
        np.array([[r[name]["metrics"]["all"][metric] for metric in METRICS] for name in names], float)
        for r in (in_a, in_b)
    )
    each = b_values - a_values
    gain = each * np.where([LESS_IS_BETTER[metric] for metric in METRICS], -1.0, 1.0)
    better = ((gain > 0) + 0.5 * (gain == 0)).mean(0)
    intervals = bootstrap_intervals(each, seed)
    differences = {
        metric: Difference(
            metric,
            float(a_values[:, i].mean()),
            float(b_values[:, i].mean()),
            each[:, i],
            (float(intervals[i, 0]), float(intervals[i, 1])),
            float(better[i]),
        )
        for i, metric in enumerate(METRICS)
    }
    return Comparison(a, b, names, differences)


def bootstrap_intervals(values: NDArray[np.float64], seed: int = 0, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Percentile intervals (m, 2), at `LEVEL`, of the column means of (n, m) values.

    The n rows are drawn anew `resamples` times, all columns together; nan where n < 2.
    """
    n, m = values.shape
    if n < 2:
        return np.full((m, 2), np.nan)
    rng = np.random.default_rng(seed)
    # How often each row is drawn; in pieces, so that ten thousand panoramas still fit.
    piece = max(1, 4_000_000 // n)
    means = [
        rng.multinomial(n, np.full(n, 1.0 / n), size=min(piece, resamples - start)) @ values / n
        for start in range(0, resamples, piece)
    ]
    return np.quantile(np.concatenate(means), (0.5 - LEVEL / 2, 0.5 + LEVEL / 2), axis=0).T
