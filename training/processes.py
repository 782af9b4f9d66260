"""The processes of a run, as torchrun starts them: who this one is, and what they tell each other."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import torch
from lightning.fabric import Fabric
from torch import Tensor

from dap_core.errors import InputError


@dataclass(frozen=True)
class Rank:
    """This process's number among `world`."""

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise InputError(f"ranks of {self.world} processes are 0 to {self.world - 1}, got {self.rank}")


def this_rank() -> Rank:
    """From the environment that torchrun makes (RANK, WORLD_SIZE); the only one without it."""
    return Rank(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))


class Processes:
    """This process among the others: by default as torchrun started it, or the `rank` that it was told to be.

    Those of torchrun are `together`: they can wait for each other. Others know of each other by their files alone.
    """

    def __init__(self, device: str = "auto", rank: Rank | None = None) -> None:
        self.rank = this_rank() if rank is None else rank
        self.together = rank is None and self.rank.world > 1
        if self.together:
            launch(device, "32-true")
            # What the first process does alone may take hours, which the stages' own group would not wait.
            self._patient = torch.distributed.new_group(backend="gloo", timeout=timedelta(days=7))

    def wait(self) -> None:
        """Until all of those together are here."""
        if self.together:
            torch.distributed.barrier(self._patient)

    def first(self, work: Callable[[], None]) -> None:
        """The first process does `work`; the others wait until it is done."""
        if self.rank.rank == 0:
            work()
        self.wait()


def launch(device: str, precision: str) -> Fabric:
    """Fabric for this process: one device for each, NCCL between GPUs and gloo between CPUs."""
    world, here = this_rank().world, int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("no CUDA device on this machine: use --device cpu, or auto")
    fabric = Fabric(
        accelerator=device,
        devices=here,
        num_nodes=max(1, world // here),
        strategy="ddp" if world > 1 else "auto",
        precision=precision,  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


def mean_of_ranks(fabric: Fabric, values: Tensor) -> Tensor:
    """Mean over the ranks of (N,) float32."""
    if fabric.world_size == 1:
        return values
    return torch.as_tensor(fabric.all_reduce(values, reduce_op="mean"))


def gathered(fabric: Fabric, rows: list) -> list:
    """The ranks' lists in turns: an item of each, then the next of each; as dealt by `items[rank::world]`."""
    if fabric.world_size == 1:
        return rows
    lists: list[list] = [[] for _ in range(fabric.world_size)]
    torch.distributed.all_gather_object(lists, rows)
    return [rows[k] for k in range(max(map(len, lists))) for rows in lists if k < len(rows)]
