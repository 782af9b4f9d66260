"""Writing ROS 2 bags (mcap or sqlite3) without ROS through `rosbags`: messages passed on as they are, and new ones."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dap_core.errors import InputError
from dap_core.io.bag_reader import definitions

if TYPE_CHECKING:
    from rosbags.interfaces import Connection, Qos
    from rosbags.typesys.store import Typestore

STORAGES = ("mcap", "sqlite3")
SUFFIXES = {".mcap": "mcap", ".db3": "sqlite3"}


class BagWriter:
    """Writes the bag folder `folder`, which must not exist, with one file in it of the same name.

    `storage` is one of STORAGES; `compressed` packs chunks (mcap) or messages (sqlite3) with zstd. As a context: the
    bag is whole, with its index and metadata.yaml, when the context is left without an exception. Raises InputError
    where the folder cannot be written.
    """

    def __init__(self, folder: Path, storage: str = "mcap", compressed: bool = False) -> None:
        from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

        plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
        mode = CompressionMode.STORAGE if storage == "mcap" else CompressionMode.MESSAGE
        self.folder = folder
        self._keys: dict[Any, Connection] = {}
        try:
            self._writer = Writer(folder, version=9, storage_plugin=plugin)
            if compressed:
                self._writer.set_compression(mode, CompressionFormat.ZSTD)
            self._writer.open()
        except OSError as error:
            raise InputError(f"cannot write {folder}: {error.strerror}") from None

    def write_like(self, source: Connection, stamp_ns: int, data: bytes) -> None:
        """A message of another bag as it is, under its topic, type, definition and quality of service."""
        profiles = getattr(source.ext, "offered_qos_profiles", [])
        key = (source.topic, source.msgtype, repr(profiles))
        if key not in self._keys:
            text, digest = _definition(source)
            self._keys[key] = self._writer.add_connection(
                source.topic, source.msgtype, msgdef=text, rihs01=digest, offered_qos_profiles=profiles
            )
        self._write(self._keys[key], stamp_ns, data)

    def write(self, topic: str, message: Any, stamp_ns: int, profiles: Sequence[Qos] = ()) -> None:
        """A message of `ros_types`; `profiles` is the quality of service that its publisher would offer."""
        kind, store = message.__msgtype__, ros_types()
        key = (topic, kind, repr(list(profiles)))
        if key not in self._keys:
            self._keys[key] = self._writer.add_connection(topic, kind, typestore=store, offered_qos_profiles=profiles)
        self._write(self._keys[key], stamp_ns, store.serialize_cdr(message, kind))

    def _write(self, connection: Connection, stamp_ns: int, data: bytes | memoryview) -> None:
        try:
            self._writer.write(connection, stamp_ns, data)
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"cannot write {self.folder}: {error}") from None

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writer.__exit__(kind, error, trace)
        except (OSError, sqlite3.Error) as fault:
            raise InputError(f"cannot write {self.folder}: {fault}") from None


def storage_of(out: Path, storage: str | None = None) -> str:
    """The storage of a bag to be written at `out`: what is asked for, else by its suffix, else mcap."""
    by_suffix = SUFFIXES.get(out.suffix)
    if storage and by_suffix and storage != by_suffix:
        raise InputError(f"{out} is a name for {by_suffix}, not for {storage}: give a folder or another suffix")
    return storage or by_suffix or "mcap"


def move_bag(folder: Path, out: Path) -> None:
    """Move a bag folder that a BagWriter made to `out`: the folder, or its one file where `out` has a file's suffix."""
    if out.suffix not in SUFFIXES:
        os.replace(folder, out)
        return
    os.replace(folder / f"{folder.name}{out.suffix}", out)
    shutil.rmtree(folder)


@lru_cache(maxsize=1)
def ros_types() -> Typestore:
    """The message types of the ROS distribution; `ros_types().types["std_msgs/msg/Header"]` is a class."""
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_JAZZY)


def _definition(connection: Connection) -> tuple[str, str]:
    """Definition and hash of a connection's type, which agree, as readers check.

    A type that nobody defines gets an empty definition: its messages are passed on, though nobody can decode them.
    """
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    kind, text = connection.msgtype, connection.msgdef.data
    if connection.msgdef.format == MessageDefinitionFormat.NONE or not text.strip():
        if kind in ros_types().types:
            return ros_types().generate_msgdef(kind, ros_version=2)[0], ros_types().hash_rihs01(kind)
        text, types = "", get_types_from_msg("", kind)
    else:
        try:
            types = definitions(connection)
        except InputError as error:
            raise InputError(f"{connection.topic}: {error}; leave the topic out with --exclude") from None
    store = get_typestore(Stores.EMPTY)
    store.register(types)
    return text, store.hash_rihs01(kind)
