"""The image subscription: it follows what is published, in type (raw or compressed), topic and reliability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from dap_ros.distribution import subscribe
from dap_ros.transport import offered_reliability, qos

#: Seconds between looks at the graph.
CHECK_PERIOD_S = 0.25

_TYPE_NAMES = {Image: "sensor_msgs/msg/Image", CompressedImage: "sensor_msgs/msg/CompressedImage"}


@dataclass(frozen=True)
class Source:
    """One way of receiving images."""

    topic: str
    type: type
    reliability: str
    publishers: int


class ImageInput:
    """Subscribes to `<prefix>image`, or to `<prefix>image/compressed` beside it.

    `kind` and `reliability` are the parameters `input` and `input_reliability`; `callback` is given what comes, `lost`
    how many images went missing on their way. Until somebody publishes, the
    subscription is raw and reliable; `check`, called now and then, moves it to what it finds.
    """

    def __init__(
        self,
        node: Any,
        prefix: str,
        kind: str,
        reliability: str,
        callback: Callable[[Image | CompressedImage], None],
        lost: Callable[[int], None],
    ) -> None:
        self._node = node
        self._prefix = prefix
        self._kind = kind
        self._reliability = reliability
        self._callback, self._lost = callback, lost
        self._subscription: Any = None
        self.source = Source("", Image, "", 0)
        self.check()

    def check(self) -> None:
        """Look at the graph and subscribe anew where topic, type or reliability have changed."""
        found = self._find()
        same = (found.topic, found.type, found.reliability) == (
            self.source.topic,
            self.source.type,
            self.source.reliability,
        )
        self.source = found
        if self._subscription is not None and same:
            return
        self.close()
        # One message deep: what matters is the newest frame.
        self._subscription = subscribe(
            self._node, found.type, found.topic, self._callback, qos(found.reliability, 1), self._lost
        )

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def facts(self) -> dict[str, str]:
        """What is subscribed to, for diagnostics."""
        s = self.source
        return {
            "topic": s.topic,
            "type": _TYPE_NAMES[s.type],
            "reliability": s.reliability,
            "publishers": str(s.publishers),
        }

    def _find(self) -> Source:
        raw, compressed = self._topics()
        candidates = {
            "raw": [(raw, Image)],
            "compressed": [(compressed, CompressedImage), (raw, CompressedImage)],
        }
        order = candidates["raw"] + candidates["compressed"] if self._kind == "auto" else candidates[self._kind]
        for topic, kind in order:
            publishers = [
                p for p in self._node.get_publishers_info_by_topic(topic) if p.topic_type == _TYPE_NAMES[kind]
            ]
            if publishers:
                offered = offered_reliability(publishers)
                return Source(
                    topic, kind, self._reliability if self._reliability != "auto" else offered, len(publishers)
                )
        if self._subscription is not None:  # a publisher that went away may come back
            return Source(self.source.topic, self.source.type, self.source.reliability, 0)
        return Source(*order[0], "reliable" if self._reliability == "auto" else self._reliability, 0)

    def _topics(self) -> tuple[str, str]:
        """Resolved names; the compressed one follows a remapped `image`, as image_transport has it."""
        name = f"{self._prefix}image"
        raw = self._node.resolve_topic_name(name)
        compressed = self._node.resolve_topic_name(f"{name}/compressed")
        if compressed == self._node.resolve_topic_name(f"{name}/compressed", only_expand=True):
            compressed = f"{raw}/compressed"
        return raw, compressed
