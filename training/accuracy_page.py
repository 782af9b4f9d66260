"""docs/accuracy.md: one measurement with its protocol, beside the published figures with theirs."""

from __future__ import annotations

from dap_core.evaluation.protocols import PROTOCOLS, Protocol
from dap_core.evaluation.published import PUBLISHED, published_figures
from training.card import Measured, behind_priors, markdown, predictors


def accuracy_page(measured: Measured, card: str, command: str) -> str:
    """The page, markdown: what was measured and how, the tables, the published rivals, the command that makes it again.

    `card` is the link to the model card, `command` the command line in the reader's terms.
    """
    m = measured
    groups = ", ".join(f"{count} {group}" for group, count in sorted(m.counts.items()))
    limit = f"{m.max_range_m:g} m"
    return f"""\
# Accuracy

One run of `dap card` measures the model and writes this page and [the model's card]({card});
do not edit it by hand. For figures on your own recordings there are `dap eval folder` and `dap bag eval`.

## What was measured, and how

The model: {m.model}, weights sha256 `{m.weights_sha256}`,
with {m.backend}.

The scenes: {groups}.
Procedural scenes have exact range, and come from seeds that no training step and no validation drew. Those called
rendered are of another origin. What the model was trained on, and which choices were made on which scenes, is in
[its card]({card}).

The protocol is this project's own, `card`, and none of {", ".join(f"`{p}`" for p in PROTOCOLS)}:

| rule | `card` |
| --- | --- |
| truth counts | above 0, up to {limit}; what is beyond is left out, sky included |
| resolution | the truth's own; prediction resized to it, nearest pixel |
| prediction | far counts as {limit}; not clipped |
| alignment | none; in the last two columns each prediction is scaled by the median of truth / prediction first |
| weighting | every pixel counts the same |
| mean | per image, then over images |

AbsRel is the mean of the error over the true range, delta1 the share of pixels within a factor of 1.25 of it. The
predictors beside the model never look at the image:

{predictors(m)}
## Figures

{markdown(m.figures, m.counts)}
{behind_priors(m.figures)}
## Published rivals

Figures of different protocols are not comparable. Nor are these with ours above, which are of another protocol and on
other scenes. `dap eval` measures a model on these data sets by these protocols.

{published_tables()}
## How to reproduce

```console
{command}
```

Of the run's folder it reads the configuration alone; scenes that are missing are made on demand. NOTES is the text at
the head of the card, RENDERED a folder of `*_rgb.png` and `*_depth.npz` pairs (`range_m`, metres along the ray, 0 where
unknown).
"""


def published_tables() -> str:
    """The published figures, one table for each protocol and alignment, with the rules and the source of each."""
    lines = []
    kept = dict.fromkeys((p.protocol, p.alignment) for p in PUBLISHED)
    for name, alignment in kept:
        protocol = PROTOCOLS[name]
        lines += [
            f"### Protocol `{name}`, alignment {alignment}",
            "",
            f"{_rules(protocol)}\nRules read in {protocol.source}.",
            "",
            "| data set | method | AbsRel | delta1 | source |",
            "| --- | --- | --- | --- | --- |",
        ]
        for dataset in dict.fromkeys(p.dataset for p in PUBLISHED):
            for row in published_figures(name, alignment, dataset):
                cells = [f"{row.metrics[k]:.4f}" if k in row.metrics else "not given" for k in ("absrel", "delta1")]
                lines.append(f"| {dataset} | {row.method} | {cells[0]} | {cells[1]} | {row.source} |")
        lines.append("")
    without = [f"`{name}`" for name in PROTOCOLS if name not in {p for p, _ in kept}]
    if without:
        lines += [f"No published figures are kept here for {', '.join(without)}, which `dap eval` knows too.", ""]
    return "\n".join(lines)


def _rules(protocol: Protocol) -> str:
    """The rules of a protocol that hold on every data set, in a sentence."""
    far, rows = f"{protocol.farthest:g} m", protocol.height
    parts = [f"Truth counts above {protocol.nearest:g} m, up to {far}"]
    parts.append(
        f"rendered truth beyond counts as {far}, scanned truth beyond is left out"
        if protocol.clamp
        else "what is beyond is left out"
    )
    if protocol.floor:
        parts.append(f"raised to {protocol.floor:g} m")
    if isinstance(rows, int):
        parts.append(f"truth resized to {2 * rows}x{rows}")
    if protocol.prediction:
        parts.append("prediction clipped to {:g} .. {:g} m".format(*protocol.prediction))
    parts.append("mean per image, then over images" if protocol.average == "image" else "mean over all pixels")
    return "; ".join(parts) + "."
