"""PyTorch as it is plainly used, and as its own compiler and CUDA graphs run it: what other backends are held to.

The forms for CUDA (graphed) have not been run yet, for want of a GPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from dap_core.backends import BackendUnavailable
from dap_core.backends.spec import ModelSpec
from dap_core.backends.torch import PanoramaNetwork, TorchBackend, spec_of
from dap_core.benchmark.matmul_model import HEIGHT
from dap_core.model import load_checkpoint


def open_checkpoint(path: Path, threads: int, height: int, form: str = "") -> TorchBackend:
    """A checkpoint at `height`: eager float32, or bf16 (autocast), compiled, graphed, bf16-compiled, bf16-graphed.

    Raises InputError as `load_checkpoint`, BackendUnavailable for a CUDA graph without CUDA.
    """
    model = load_checkpoint(path)
    spec = spec_of(model, height)
    return _opened(PanoramaNetwork(model, spec.max_range_m), spec, threads, form)


def open_matmul(threads: int, form: str, size: int, links: int) -> TorchBackend:
    """`dap_core.benchmark.matmul_model` in the same form."""
    spec = ModelSpec("matmul", HEIGHT, 2 * HEIGHT, 100.0, "0" * 64)
    dtype = torch.bfloat16 if "bf16" in form else torch.float32
    network = PanoramaNetwork(MatmulChain(size, links, dtype), spec.max_range_m)
    # A compiler has nothing to do here, and autocast would cast the weights in every product anew.
    return _opened(network, spec, threads, "", "bf16" if "bf16" in form else "float32")


def gpu_memory_mb() -> float | None:
    """Most of the GPU's memory that torch has held, MB; None without CUDA."""
    return torch.cuda.max_memory_reserved() / 1e6 if torch.cuda.is_available() else None


def _opened(network: nn.Module, spec: ModelSpec, threads: int, form: str, precision: str | None = None) -> TorchBackend:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    words = form.split("-") if form else []
    if "graphed" in words and device.type != "cuda":
        raise BackendUnavailable("torch:graphed records a CUDA graph, and CUDA does not start here")
    if device.type == "cpu":
        torch.set_num_threads(threads)
    network = network.eval().to(device)
    if "bf16" in words:
        network = Autocast(network, device.type, torch.bfloat16)
    if "compiled" in words:
        network = cast(nn.Module, torch.compile(network))
    if "graphed" in words:
        network = Graphed(network)
    precision = precision or ("bf16" if "bf16" in words else "float32")
    mode = next((word for word in words if word != "bf16"), "eager")
    where = "CUDA" if device.type == "cuda" else f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    reason = f"torch {torch.__version__} ({precision}, {mode}, {where})"
    return TorchBackend(network, spec, device, reason, precision)


class Autocast(nn.Module):
    """A network under torch's automatic mixed precision."""

    def __init__(self, network: nn.Module, device: str, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.device, self.dtype = network, device, dtype

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        # A cache of casts would not outlive a CUDA graph's recording.
        with torch.autocast(self.device, self.dtype, cache_enabled=False):
            range_m, far = self.network(image)
        return range_m.float(), far.float()


class Graphed(nn.Module):
    """A network recorded as a CUDA graph, once for every shape of input, and replayed."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._recorded: dict[torch.Size, tuple[torch.cuda.CUDAGraph, Tensor, tuple[Tensor, Tensor]]] = {}

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        if image.shape not in self._recorded:
            self._recorded[image.shape] = self._record(image.clone())
        graph, held, outputs = self._recorded[image.shape]
        held.copy_(image)
        graph.replay()
        return outputs

    def _record(self, held: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, tuple[Tensor, Tensor]]:
        # What allocates in the first runs must not be recorded; torch asks for another stream for them.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.network(held)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self.network(held)
        return graph, held, outputs


class MatmulChain(nn.Module):
    """The function of `matmul_model.write_matmul_model`, with other random numbers."""

    weight: Tensor
    first: Tensor
    last: Tensor

    def __init__(self, size: int, links: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.links = links
        random = torch.Generator().manual_seed(0)
        for name, columns, scale in (("weight", size, size**-0.5), ("first", size, 1.0), ("last", 1, size**-0.5)):
            values = torch.randn(size, columns, generator=random) * scale
            self.register_buffer(name, values.to(dtype), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        batch, _, height, width = image.shape
        x = self.first * image.mean().sigmoid().to(self.first.dtype)
        for _ in range(self.links):
            x = x @ self.weight
        values = (x @ self.last).float().flatten()
        pixels = height * width
        logits = values.repeat(-(-pixels // len(values)))[:pixels].view(1, height, width).expand(batch, -1, -1)
        return torch.nn.functional.softplus(logits), logits.sigmoid()
