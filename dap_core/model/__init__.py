"""The models, in torch: the released DAP exactly, our own small one, and their checkpoints.

>>> model = load_checkpoint("dap-l.safetensors")
>>> depth, far = model(images)  # (B, 3, H, W) ImageNet-normalised float32 -> two (B, H, W) in [0, 1]; 1.0 is 100 m
"""

from dap_core.model.checkpoint import load_checkpoint, save_checkpoint
from dap_core.model.presets import PRESETS, ModelConfig, build

__all__ = ["PRESETS", "ModelConfig", "build", "load_checkpoint", "save_checkpoint"]
