"""The shell of a report page: one file, nothing fetched, nothing run; light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

#: Nothing but what is in the file: even an injected address would not be asked for.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5b6672; --line: #dfe3e8; --paper: #fff; --tint: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eaee; --soft: #a3adb8; --line: #343b43; --paper: #15181c; --tint: #1e2328; }
  img.chart { filter: invert(0.92) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 1180px; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; } .soft { color: var(--soft); font-size: .9em; } .warn { border-left: 4px solid #d0803a;
  padding: .4rem .8rem; background: var(--tint); overflow-wrap: anywhere; }
nav a { margin-right: 1rem; } a { color: #3f7fc9; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th { font-weight: 600; background: var(--tint); } td:first-child, th:first-child, .text { text-align: left; }
td.label { text-align: left; white-space: nowrap; }
td.name { overflow-wrap: anywhere; min-width: 12rem; } tr.ours td { font-weight: 600; }
.best { text-decoration: underline; text-underline-offset: .2em; }
.four { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: .5rem; }
figure { margin: 0; } figure img { width: 100%; display: block; border: 1px solid var(--line); }
img.chart { max-width: 100%; height: auto; background: #fff; } figcaption { font-size: .85em; color: var(--soft); }
.scale { height: .7rem; margin-top: .2rem; border: 1px solid var(--line); }
.ends { display: flex; justify-content: space-between; font-size: .8em; color: var(--soft); }
.pair { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
summary { cursor: pointer; margin: .5rem 0; }
"""


@dataclass(frozen=True)
class Section:
    """A heading with an anchor, and what stands under it as HTML."""

    anchor: str
    title: str
    body: str


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The whole document; `lead` is HTML."""
    links = "".join(f'<a href="#{s.anchor}">{escape(s.title)}</a>' for s in sections)
    body = "\n".join(f'<h2 id="{s.anchor}">{escape(s.title)}</h2>\n{s.body}' for s in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"{lead}\n<nav>{links}</nav>\n{body}\n</body>\n</html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], classes: Sequence[str] = ()) -> str:
    """A table of cells that are HTML already; `classes` of the rows, in order."""
    rows, lines = list(rows), []
    # A heading stands over its column: to the left over words, to the right over figures.
    words = [bool(rows) and rows[0][i].startswith("<td") for i in range(len(head))]
    top = "".join(f'<th class="text">{h}</th>' if w else f"<th>{h}</th>" for h, w in zip(head, words, strict=True))
    for i, row in enumerate(rows):
        kind = f' class="{classes[i]}"' if i < len(classes) and classes[i] else ""
        lines.append(f"<tr{kind}>" + "".join(c if c.startswith("<td") else f"<td>{c}</td>" for c in row) + "</tr>")
    return (
        f'<div class="scroll"><table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody>\n</table></div>"
    )


def text_cell(text: str, kind: str = "text") -> str:
    """A cell of words, to the left."""
    return f'<td class="{kind}">{escape(text)}</td>'


def chart(uri: str, says: str) -> str:
    """A picture of a diagram with what it says in words."""
    return f'<img class="chart" src="{uri}" alt="{escape(says)}">'


def picture(uri: str, caption: str) -> str:
    """A picture with its caption."""
    return f'<figure><img src="{uri}" alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'


def colour_scale(gradient: str, ends: Sequence[str]) -> str:
    """A strip of colours with words under it."""
    words = "".join(f"<span>{escape(e)}</span>" for e in ends)
    return f'<div class="scale" style="background:{gradient}"></div><div class="ends">{words}</div>'
