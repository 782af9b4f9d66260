"""Names of a camera's coordinate frames (REP 103 and REP 105)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

LINK, OPTICAL = "_link", "_optical_frame"

#: How names of optical frames (x right, y down, z forward) end, and what their twin with x forward has instead. REP 103
#: says `_optical`; drivers rather say `_optical_frame`, beside a `_link`.
_TWINS = {OPTICAL: LINK, "_optical_link": LINK, "_optical": ""}


@dataclass(frozen=True)
class FrameNames:
    """Frame names of one camera: `image` as its messages have it, `link` with x forward and z up (REP 103)."""

    image: str
    link: str

    @classmethod
    def of(cls, image_frame: str, override: str = "") -> Self:
        """The link is `override`, or the twin of an optical frame, or the image's own frame.

        The twin of `theta_optical_frame` and of `theta_optical_link` is `theta_link`, and that of `theta_link_optical`
        as well; that of `theta_optical` is `theta`, by REP 103.
        """
        ending = _optical_ending(image_frame)
        twin = image_frame[: -len(ending)] + _TWINS[ending] if ending else image_frame
        return cls(image_frame, override or twin)

    @property
    def optical(self) -> bool:
        """Whether the image's frame is an optical one, by its name."""
        return bool(_optical_ending(self.image))

    @property
    def stem(self) -> str:
        """The link's name without `_link`."""
        return self.link[: -len(LINK)] if self.link.endswith(LINK) else self.link

    @property
    def level(self) -> str:
        """The levelled frame: at the link's place, z against gravity."""
        return f"{self.stem}_level"


def _optical_ending(frame: str) -> str:
    """How a frame's name says that it is optical; "" where it does not, or says nothing else."""
    return next((ending for ending in _TWINS if frame.endswith(ending) and frame != ending), "")
