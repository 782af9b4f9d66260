"""What the pipeline is told for a run over images of one or several cameras, live or recorded."""

from __future__ import annotations

import dataclasses
import re

from dap_core.backends import BACKENDS
from dap_core.errors import InputError
from dap_core.pipeline import MountConfig, ProcessingConfig
from dap_core.settings import setting


@dataclasses.dataclass(frozen=True)
class RunConfig(MountConfig, ProcessingConfig):
    """Engine, cameras, mount and processing; with several cameras each has a mount of its own under its name."""

    cameras: tuple[str, ...] = setting(
        (),
        "Names of several cameras that share the engine: the topics of each are below its name, and so are its mount's "
        "parameters. Empty: one camera, with its topics in the node's namespace.",
        "start",
    )
    model: str = setting(
        "dap-tiny", "Name of a bundled model, or path of an exported .onnx or of a checkpoint.", "configure"
    )
    backend: str = setting(
        "auto", "What runs the model; auto picks one and /diagnostics says why.", "configure",
        choices=("auto", *BACKENDS),
    )  # fmt: skip
    threads: int = setting(0, "CPU threads of the backend; 0 leaves it to the backend.", "configure", low=0, high=256)
    odometry_frame: str = setting(
        "",
        "Frame in which TF gives the robot's motion (odom, say), for the temporal filter to follow; empty: the filter "
        "takes the camera for standing.",
        "configure",
    )
    frame: str = setting(
        "",
        "Frame of clouds and scan (x forward, z up); empty: the twin of the image's optical frame (theta_link for "
        "theta_optical_frame or theta_optical_link, theta for theta_optical), or the image's own frame. With several "
        "cameras always empty.",
        "dynamic",
    )
    depth_encoding: str = setting(
        "32FC1",
        "Encoding of depth/image: 32FC1 metres (+inf far, nan unknown) or 16UC1 millimetres (65535 far or beyond "
        "65.535 m, 0 unknown).",
        "dynamic",
        choices=("32FC1", "16UC1"),
    )

    @property
    def motion_frame(self) -> str:
        """`odometry_frame` where the temporal filter, which alone follows the motion, is on; else empty."""
        return self.odometry_frame if self.temporal.enabled else ""

    def __post_init__(self) -> None:
        if not self.model:
            raise InputError("model must not be empty: the name of a bundled model or a path is expected")
        wrong = [c for c in self.cameras if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]*", c)]
        if wrong or len(set(self.cameras)) < len(self.cameras):
            raise InputError(
                f"cameras are different names of letters, digits and underscores, got {', '.join(self.cameras)}"
            )
        taken = [c for c in self.cameras if c in {f.name for f in dataclasses.fields(self)}]
        if taken:
            raise InputError(f"a camera cannot be called {taken[0]!r}: that is a parameter")
        if self.frame and self.cameras:
            raise InputError("frame is for one camera; with several each uses the frames of its own images")
