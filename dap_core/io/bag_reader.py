"""Recorded ROS 2 bags (mcap or sqlite3, compressed or not), read message by message without ROS through `rosbags`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dap_core.errors import InputError

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader
    from rosbags.typesys.store import Typestore

_HINTS = {
    "end magic": "the recording was cut short; `mcap recover` saves what is there",
    "seems to be empty": "nothing was recorded",
    "Expected metadata file": "a bag folder has a metadata.yaml; `ros2 bag reindex` writes it",
    "not a database": "an .mcap file, a .db3 file or a bag folder is expected",
    "Unrecognized storage": "an .mcap file, a .db3 file or a bag folder is expected",
}


@dataclass(frozen=True)
class Topic:
    """One topic of a bag: its name, message type and number of messages."""

    name: str
    type: str
    count: int
    connections: tuple[Connection, ...] = field(repr=False)


@dataclass(frozen=True)
class Raw:
    """One message as it lies in the bag: `stamp_ns` is when it was recorded, `data` its CDR bytes."""

    topic: str
    type: str
    stamp_ns: int
    data: bytes
    connection: Connection = field(repr=False)


class Bag:
    """An open bag; made by `open_bag`. Iterators of one bag must not be interleaved: open it again for a second one.

    topics     by name
    start_ns   recording stamp of the first message, nanoseconds; 0 where there is none
    end_ns     recording stamp of the last message
    """

    def __init__(self, path: Path, reader: Reader) -> None:
        self.path, self._reader = path, reader
        self._types: dict[str, Typestore] = {}
        by_name: dict[str, list[Connection]] = {}
        for connection in reader.connections:
            by_name.setdefault(connection.topic, []).append(connection)
        self.topics = {
            name: Topic(name, found[0].msgtype, sum(c.msgcount for c in found), tuple(found))
            for name, found in sorted(by_name.items())
        }
        self.count = reader.message_count
        self.start_ns = reader.start_time if self.count else 0
        self.end_ns = reader.end_time - 1 if self.count else 0

    @property
    def duration_s(self) -> float:
        """Seconds between the first and the last message."""
        return 1e-9 * (self.end_ns - self.start_ns)

    @property
    def storage(self) -> str:
        """mcap or sqlite3."""
        names = [p.name for p in self.files]
        return "mcap" if any(".mcap" in name for name in names) else "sqlite3"

    @property
    def files(self) -> list[Path]:
        """The files that hold the messages."""
        if not self.path.is_dir():
            return [self.path]
        return sorted(p for p in self.path.iterdir() if ".mcap" in p.name or ".db3" in p.name)

    @property
    def size_bytes(self) -> int:
        """Bytes of these files."""
        return sum(p.stat().st_size for p in self.files)

    @property
    def compression(self) -> str:
        """How messages are compressed, in words; empty where they are not."""
        if self._reader.compression_mode:
            return f"{self._reader.compression_mode}, {self._reader.compression_format}"
        storages = getattr(self._reader.storage, "storages", [self._reader.storage])
        names = {chunk.compression for s in storages for chunk in getattr(s, "chunks", [])} - {""}
        return f"chunks, {', '.join(sorted(names))}" if names else ""

    def need(self, topic: str, *types: str) -> Topic:
        """A topic that must be there, of one of these types; InputError otherwise, and where it holds no message."""
        found = self.topics.get(topic)
        if found is None:
            raise InputError(f"{self.path}: has no topic {topic}; it has {', '.join(self.topics) or 'none'}")
        if types and found.type not in types:
            raise InputError(f"{self.path}: {topic} is {found.type}; {' or '.join(types)} is expected")
        if not found.count:
            raise InputError(f"{self.path}: {topic} has no messages")
        return found

    def raw(
        self, topics: Sequence[str] | None = None, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[Raw]:
        """Messages of some topics (default: all), in the order of recording, with stamps in [start_ns, stop_ns).

        Raises InputError where the bag turns out to be damaged.
        """
        names = self.topics if topics is None else [t for t in topics if t in self.topics]
        connections = [c for name in names for c in self.topics[name].connections]
        if not connections:
            return
        try:
            for connection, stamp, data in self._reader.messages(connections, start_ns, stop_ns):
                yield Raw(connection.topic, connection.msgtype, stamp, data, connection)
        except (InputError, GeneratorExit):
            raise
        except Exception as error:  # a damaged chunk surfaces as whatever its decoder raises
            hint = "; `mcap recover` saves what is there" if self.storage == "mcap" else ""
            raise InputError(f"{self.path}: damaged bag: {one_line(error)}{hint}") from None

    def messages(
        self, topics: Sequence[str], start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[tuple[Raw, Any]]:
        """As `raw`, with every message decoded."""
        for raw in self.raw(topics, start_ns, stop_ns):
            yield raw, self.decode(raw)

    def first(self, topic: str) -> Any | None:
        """The first message of a topic, decoded; None where there is none."""
        return next((message for _, message in self.messages([topic])), None)

    def decode(self, raw: Raw) -> Any:
        """The message of its bytes. Raises InputError for a type nobody defines and for bytes that do not fit it."""
        store = self._store(raw.connection)
        try:
            return store.deserialize_cdr(raw.data, raw.type)
        except Exception as error:  # rosbags lets struct, index and unicode errors of short messages through
            at = 1e-9 * (raw.stamp_ns - self.start_ns)
            raise InputError(
                f"{self.path}: {raw.topic}: not a readable {raw.type} {at:.3f} s from the start: {one_line(error)}"
            ) from None

    def _store(self, connection: Connection) -> Typestore:
        """Types of a connection: those of the ROS distribution, or of the bag's own definition."""
        from rosbags.typesys import Stores, get_typestore

        kind = connection.msgtype
        if kind not in self._types:
            known = get_typestore(Stores.ROS2_JAZZY)
            if kind not in known.types:
                known = get_typestore(Stores.EMPTY)
                try:
                    known.register(definitions(connection))
                except Exception as error:
                    raise InputError(f"{self.path}: {connection.topic}: {one_line(error)}") from None
            self._types[kind] = known
        return self._types[kind]


@contextmanager
def open_bag(path: str | Path) -> Iterator[Bag]:
    """Open a bag: a folder with a metadata.yaml, or an .mcap or .db3 file. Raises InputError."""
    path = Path(path)
    try:
        from rosbags.rosbag2 import Reader
    except ModuleNotFoundError:  # on a robot it does not come with the package
        raise InputError(f"{path}: reading bags needs rosbags, which is not installed: pip install rosbags") from None
    if not path.exists():
        raise InputError(f"{path}: no such bag; a bag folder or an .mcap or .db3 file is expected")
    try:
        reader = Reader(path)
        reader.open()
    except Exception as error:  # rosbags lets struct, assertion, OS and decompression errors of damaged files through
        text = one_line(error)
        hint = next((f"; {hint}" for part, hint in _HINTS.items() if part in text), "")
        raise InputError(f"{path}: not a readable ROS 2 bag: {text}{hint}") from None
    try:
        yield Bag(path, reader)
    finally:
        reader.close()


def definitions(connection: Connection) -> dict[str, Any]:
    """Types that a connection's own definition gives. Raises InputError where it has none, or none that can be read."""
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.typesys import get_types_from_idl, get_types_from_msg

    text, kind = connection.msgdef.data, connection.msgtype
    if connection.msgdef.format == MessageDefinitionFormat.NONE or not text.strip():
        raise InputError(f"the type {kind} is not known and the bag does not define it")
    try:
        if connection.msgdef.format == MessageDefinitionFormat.MSG:
            return get_types_from_msg(text, kind)
        types: dict[str, Any] = {}
        for part in text.split("=" * 80 + "\n"):
            types |= get_types_from_idl(part.partition("\n")[2] if part.startswith("IDL: ") else part)
        return types
    except Exception as error:
        raise InputError(f"the definition of {kind} cannot be read: {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """What an exception says, without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def stamp_ns(message: Any) -> int:
    """Header stamp of a message, nanoseconds."""
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
