"""Records that could not be stored: what is known of each, and the file that keeps them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain
from typing import IO, Any

import msgspec

from airflow_provider_cdf_records.records.chunk import Identity, Row, as_mapping
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.record import encode, encode_exactly, encode_value, shown
from airflow_provider_cdf_records.sources.storage import StoragePath, is_local, local_name

RECORD = {"space", "externalId", "sources"}  # what an API-shaped record has
LONGEST_QUOTE = 300  # characters of the server's words in an error


@dataclass(frozen=True)
class Rejection:
    """A row that could not be stored, and why.

    :param where: position in words, such as ``line 17 of /data/alarms.ndjson``.
    :param record: the row as JSON, or as text where it is not JSON.
    """

    position: int
    where: str
    record: bytes | str
    message: str
    space: str | None = None
    external_id: str | None = None
    status: int | None = None
    request_id: str | None = None

    def __str__(self) -> str:
        identity = f" ({self.space}/{self.external_id})" if self.external_id is not None else ""
        refused = f"CDF answered {self.status}: " if self.status else ""
        message = self.message if len(self.message) <= LONGEST_QUOTE else f"{self.message[:LONGEST_QUOTE]}..."
        return f"{self.where}{identity}: {refused}{message}"

    def as_line(self) -> bytes:
        """Return one line of the rejected-records file."""
        line = {
            "position": self.position,
            "where": _as_text(self.where),
            "space": self.space,
            "externalId": self.external_id,
            "status": self.status,
            "message": _as_text(self.message),
            "requestId": self.request_id,
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "record": msgspec.Raw(self.record) if isinstance(self.record, bytes) else self.record,
        }
        return msgspec.json.encode(line) + b"\n"


def rejection_of(
    where: str,
    position: int,
    row: Row,
    message: str,
    *,
    identity: Identity | None = None,
    status: int | None = None,
    request_id: str | None = None,
) -> Rejection:
    """Tell what can be told of a row; it may be anything.

    :param identity: of the record that was made of the row; by default what the row says itself.
    """
    record = _as_json(row)
    if identity is None:
        space, external_id = _identity_in(record if isinstance(record, bytes) else row)
    else:
        space, external_id = identity.split("/", 1)
    return Rejection(position, where, record, message, space, external_id, status, request_id)


def _as_json(row: Row) -> bytes | str:
    """Return a row as JSON on one line, which loads again, or as text where it is no object."""
    if isinstance(row, bytes):
        try:
            row.decode()
            return bytes(msgspec.json.format(row, indent=-1))
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return row.decode(errors="replace").strip()
    try:
        mapping = as_mapping(row)
        if mapping is not None:
            write = encode if mapping.keys() >= RECORD else encode_exactly
            try:
                return write(mapping)
            except ValueError:
                return write(_with_texts(mapping))
    except (ValueError, TypeError, RecursionError):  # none, or one that is nested without end
        pass
    return _as_text(row, repr)


def _with_texts(value: Any) -> Any:
    """Return a value with texts in the places of what JSON does not have, such as NaN or bytes."""
    if isinstance(value, Mapping):
        return {_as_text(name): _with_texts(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_texts(inner) for inner in value]
    try:
        encode_value(value)
    except ValueError:
        return _as_text(value)
    return value


def _as_text(value: Any, show: Callable[[Any], str] = str) -> str:
    """Return any value as a text that can be encoded."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="backslashreplace")
    return shown(value, show).encode(errors="backslashreplace").decode()


def _identity_in(row: Row) -> tuple[str | None, str | None]:
    try:
        fields = msgspec.json.decode(row) if isinstance(row, bytes) else as_mapping(row)
    except (ValueError, msgspec.MsgspecError, TypeError, RecursionError):
        fields = None
    if not isinstance(fields, Mapping):
        return None, None
    return _text(fields.get("space")), _text(fields.get("externalId"))


def _text(value: Any) -> str | None:
    return None if value is None else _as_text(value)


class _Position(msgspec.Struct):
    """What has to be read of a line; the record in it may hold what does not decode, such as ``1e999``."""

    position: int


_decode_position = msgspec.json.Decoder(_Position).decode


class RejectedFile:
    """NDJSON of rejected records, each of them once, however many tries it takes.

    On a local disk each line is written as it comes. A store of objects cannot append: there the lines are
    collected, and the whole file is written whenever :meth:`persist` is called.

    :param after: the position up to which an earlier try had settled everything. Its lines up to there are
        kept, the others will come again; without a position the file starts anew.
    """

    def __init__(self, path: StoragePath, after: int | None = None) -> None:
        self.path = path
        self._local = is_local(path)
        if path.is_dir():
            msg = f"rejected_path {str(path)!r} is a folder; name a file in it."
            raise InvalidArgumentError(msg)
        self._lines: IO[bytes] | None = None
        self._dirty = False
        kept = self._kept_lines(after) if after is not None and path.exists() else iter(())
        first = next(kept, None)
        if first is not None:
            self._start(chain([first], kept))
        elif path.exists():
            path.unlink()

    def write(self, rejection: Rejection) -> None:
        """Add one rejection."""
        if self._lines is None:
            self._start(())
        assert self._lines is not None  # noqa: S101 (for the type checker)
        self._lines.write(rejection.as_line())
        self._lines.flush()
        self._dirty = True

    def persist(self) -> None:
        """See that what was written so far is where it belongs."""
        if self._lines is None or self._local or not self._dirty:
            return
        self._lines.seek(0)
        with self.path.open("wb") as file:
            shutil.copyfileobj(self._lines, file)
        self._dirty = False

    def close(self) -> None:
        """Finish the file."""
        self.persist()
        if self._lines is not None:
            self._lines.close()

    def _start(self, kept: Iterable[bytes]) -> None:
        if not self._local:
            self._lines = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        else:
            name = local_name(self.path)
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(f"{name}.new", "wb") as file:
                file.writelines(kept)
            os.replace(f"{name}.new", name)  # so that a crash here loses no line of an earlier try
            self._lines = open(name, "ab")  # noqa: SIM115 (closed in close)
            return
        self._lines.writelines(kept)
        self._dirty = self._lines.tell() > 0

    def _kept_lines(self, after: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for line in iter(file.readline, b""):  # files of older Airflows cannot be iterated over
                try:
                    position = _decode_position(line).position
                except (ValueError, msgspec.MsgspecError):  # the half line of a try that was killed
                    continue
                if position <= after:
                    yield line
