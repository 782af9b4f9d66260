"""List files of published splits: one panorama a line, its image and its range relative to the root."""

from __future__ import annotations

from pathlib import Path

from dap_core.errors import InputError
from dap_core.evaluation.datasets.sample import Entry, name_of


def read_list(path: Path, root: Path) -> tuple[Entry, ...]:
    """Entries of a list file as UniFuse, PanDA, DA-2 and DAP publish them: `image range`, parted by white space.

    A leading slash (as Deep360's list has it) still means the root. Empty lines are passed over. Raises InputError for
    a file that is missing or empty and for a line of another form.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"no list file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a list file ({error})") from None
    entries = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) < 2:
            raise InputError(f"{path}, line {number}: an image and its range are expected, got {line.strip()!r}")
        image, depth = (root / word.lstrip("/") for word in words[:2])
        entries.append(Entry(name_of(image, root), image, depth))
    if not entries:
        raise InputError(f"{path}: an empty list")
    return tuple(entries)


def entries_or(list_file: Path | None, root: Path, found: list[Entry], expected: str) -> tuple[Entry, ...]:
    """The entries of the list file if one is given, else those `found` under the root, sorted by name.

    Raises InputError, saying what was `expected`, where there is none.
    """
    if list_file is not None:
        return read_list(list_file, root)
    if not found:
        raise InputError(f"nothing to evaluate under {root}: expected {expected}")
    return tuple(sorted(found, key=lambda e: e.name))
