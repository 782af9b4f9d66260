"""Preparing a data set: everything a reader finds, resized once, in shards that any number of processes fill."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from training.data.duplicates import Seen
from training.data.plausible import Plausible
from training.data.prepared import PreparedSet, shard_path, write_manifest
from training.data.range_code import encode_label
from training.data.sample import Sample
from training.data.sets import Reader
from training.data.shards import Record, Shard, is_finished, write_shard
from training.workers import begin

LEFT_OUT = "left_out.jsonl"


@dataclass(frozen=True)
class Preparation:
    """How a set is prepared. `per_shard` sources go into a shard; `quality` is of JPEG; `plausible` and `duplicates`
    (bits of a perceptual hash, see `duplicates`) say which pictures are left out, compared within a shard.
    """

    height: int = 512
    per_shard: int = 1000
    quality: int = 95
    plausible: Plausible | None = None
    duplicates: int | None = None


def prepare(
    reader: Reader,
    folder: Path,
    name: str,
    how: Preparation,
    workers: int = 1,
    progress: Callable[[int, int, int, int], None] | None = None,
) -> PreparedSet:
    """Fill `folder` with the shards of what `reader` finds, but for those that are there; returns the set.

    Each shard is a function of its sources alone, so a killed run is continued by the same call, and any number of
    workers write the same bytes. Sources that are damaged, implausible or near-duplicates are left out and listed in
    `left_out.jsonl`. `progress` is told shards done, shards in all, samples and sources left out so far. Raises
    InputError where the sources or the options are not those that the folder was begun with, where nothing is left of
    them, and where a worker died.
    """
    sources = list(reader.sources())
    chunks = [sources[i : i + how.per_shard] for i in range(0, len(sources), how.per_shard)]
    write_manifest(
        folder,
        {
            "name": name,
            "kind": reader.kind,
            "labelled": reader.labelled,
            "height": how.height,
            "shards": len(chunks),
            "sources": len(sources),
            "sources_sha256": hashlib.sha256("\n".join(sources).encode()).hexdigest(),
            "reader": _plain(reader),
            "preparation": _plain(how),
        },
    )
    kept = dropped = 0
    missing = []
    for number in range(len(chunks)):
        if not is_finished(path := shard_path(folder, number)):
            missing.append(number)
        else:
            shard = Shard(path)
            kept, dropped = kept + len(shard), dropped + len(shard.about["left_out"])
    done = len(chunks) - len(missing)
    if progress:
        progress(done, len(chunks), kept, dropped)
    jobs = [(reader, shard_path(folder, number), chunks[number], how) for number in missing]
    for samples, out in _spread(jobs, workers):
        done, kept, dropped = done + 1, kept + samples, dropped + out
        if progress:
            progress(done, len(chunks), kept, dropped)
    _list_left_out(folder, len(chunks))
    if not kept:
        raise InputError(f"{folder}: nothing was left of {len(sources)} sources; {folder / LEFT_OUT} says why")
    return PreparedSet(folder)


def _fill(reader: Reader, path: Path, sources: Sequence[str], how: Preparation) -> tuple[int, int]:
    """Write one shard; how many samples are in it, and how many were left out."""
    left_out: list[dict[str, str]] = []
    about: dict[str, Any] = {"left_out": left_out}
    seen = None if how.duplicates is None else Seen(how.duplicates)

    def records() -> Iterator[Record]:
        for source in sources:
            for sample in _readable(reader, source, how.height, left_out):
                if (fault := _fault(sample, how, seen)) is not None:
                    left_out.append({"name": sample.name, "why": fault})
                else:
                    yield _record(sample, how)

    # `about` is written after the records, so it has their faults in it.
    index = write_shard(path, records(), about)
    return len(index["samples"]), len(left_out)


def _readable(reader: Reader, source: str, height: int, left_out: list[dict[str, str]]) -> Iterator[Sample]:
    try:
        yield from reader.read(source, height)
    except InputError as error:
        left_out.append({"name": source, "why": str(error)})


def _fault(sample: Sample, how: Preparation, seen: Seen | None) -> str | None:
    if how.plausible is not None and (fault := how.plausible.fault(sample.image)) is not None:
        return fault
    return "nearly the same as one before it" if seen is not None and seen.near(sample.image) else None


def _record(sample: Sample, how: Preparation) -> Record:
    ok, jpeg = cv2.imencode(".jpg", sample.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, how.quality])
    if not ok:
        raise RuntimeError(f"OpenCV could not encode {sample.name} as JPEG")
    parts = {"jpg": jpeg.tobytes()}
    if sample.range_m is not None:
        parts["range.png"] = encode_label(sample.range_m)
    return Record(parts, {"name": sample.name, "group": sample.group, "domain": sample.domain})


def _spread(jobs: Sequence[tuple[Reader, Path, Sequence[str], Preparation]], workers: int) -> Iterator[tuple[int, int]]:
    if min(workers, len(jobs)) <= 1:
        yield from (_fill(*job) for job in jobs)
        return
    with ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), initializer=begin) as pool:
        waiting: list[Future[tuple[int, int]]] = [pool.submit(_fill, *job) for job in jobs]
        try:
            yield from (future.result() for future in as_completed(waiting))
        except BrokenProcessPool:
            raise InputError(
                "a worker died (killed, or out of memory): nothing that was finished is lost, run the same again"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _list_left_out(folder: Path, shards: int) -> None:
    with written_beside(folder / LEFT_OUT) as beside, beside.open("w") as file:
        for number in range(shards):
            for entry in Shard(shard_path(folder, number)).about["left_out"]:
                file.write(json.dumps(entry) + "\n")


def _plain(options: Any) -> dict[str, Any]:
    """A dataclass as JSON knows it."""
    return {k: _value(v) for k, v in dataclasses.asdict(options).items()}


def _value(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_value(v) for v in value]
    return {k: _value(v) for k, v in value.items()} if isinstance(value, dict) else value
