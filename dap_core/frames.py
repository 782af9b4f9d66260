"""Names of a camera's coordinate frames (REP 103 and REP 105)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

LINK, OPTICAL = "_link", "_optical_frame"


@dataclass(frozen=True)
class FrameNames:
    """Frame names of one camera: `image` as its messages have it, `link` with x forward and z up."""

    image: str
    link: str

    @classmethod
    def of(cls, image_frame: str, override: str = "") -> Self:
        """The link is `override`, or the `_link` twin of an `_optical_frame`, or the image's own frame."""
        if override:
            return cls(image_frame, override)
        if image_frame.endswith(OPTICAL):
            return cls(image_frame, image_frame[: -len(OPTICAL)] + LINK)
        return cls(image_frame, image_frame)

    @property
    def stem(self) -> str:
        """The link's name without `_link`."""
        return self.link[: -len(LINK)] if self.link.endswith(LINK) else self.link

    @property
    def level(self) -> str:
        """The levelled frame: at the link's place, z against gravity."""
        return f"{self.stem}_level"
