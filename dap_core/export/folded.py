"""A model arranged for inference at one resolution: the same function of the same weights with less around it.

What may be computed before there is an image is computed now, in float64, and rounded once: normalisation, scales,
biases and batch norms go into the weights beside them, positions become tables, neighbouring linear layers become one.
Order and layout of what is left are those that ONNX Runtime, OpenVINO and TensorRT run best; each module says which and
why. Float32 outputs agree with the model's to a few parts in a million.
"""

from __future__ import annotations

import torch
from torch import nn

from dap_core.backends.torch import PanoramaNetwork
from dap_core.export.folded_dap import FoldedDap
from dap_core.export.folded_tiny import FoldedTiny
from dap_core.model.released import Dap
from dap_core.model.tiny import DapTiny


def folded(network: PanoramaNetwork, height: int) -> nn.Module:
    """What `network` does to (B, height, 2 height, 3) uint8, as another module; `network` itself for other models.

    Weights that change are copied, the others shared; `network` stays as it is.
    """
    model = network.model
    with torch.no_grad():
        if isinstance(model, Dap):
            return FoldedDap(model, height, network.max_range_m).eval()
        if isinstance(model, DapTiny):
            return FoldedTiny(model, height, network.max_range_m).eval()
    return network
