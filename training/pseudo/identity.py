"""What a result was made from, by hashes: a result is continued only with what it was begun with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from dap_core.errors import InputError
from training.data.prepared import PreparedSet


def set_sha256(images: PreparedSet) -> str:
    """Of a prepared set: its name and the hashes of its shards, in order."""
    digest = hashlib.sha256(images.name.encode())
    for shard in images.shards:
        digest.update(str(shard.about["sha256"]).encode())
    return digest.hexdigest()


def check_names(sets: Iterable[PreparedSet]) -> None:
    """InputError where two sets have one name: results are told apart by it."""
    names = [images.name for images in sets]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"two sets are called {twice!r}: prepare one under another --name")
