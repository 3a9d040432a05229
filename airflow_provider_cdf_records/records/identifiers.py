"""The identifiers that CDF accepts: of streams, spaces, schemas and records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from airflow_provider_cdf_records.records.chunk import Identity
from airflow_provider_cdf_records.records.errors import InvalidArgumentError

MAX_EXTERNAL_ID = 256  # characters
MAX_SOURCES = 100  # containers or views of a record
MAX_QUOTE = 80  # characters of a value in a message

SPACE = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?")
RESERVED_SPACES = frozenset({"space", "cdf", "dms", "pg3", "shared", "system", "node", "edge"})
RESERVED_PROPERTIES = frozenset(
    {
        "space",
        "externalId",
        "createdTime",
        "lastUpdatedTime",
        "deletedTime",
        "edge_id",
        "node_id",
        "project_id",
        "property_group",
        "seq",
        "tg_table_name",
        "extensions",
    }
)
SCHEMA_ID = re.compile(r"[a-zA-Z]([a-zA-Z0-9_]{0,253}[a-zA-Z0-9])?")
STREAM_ID = re.compile(r"[a-z]([a-z0-9_-]{0,98}[a-z0-9])?")
RESERVED_STREAMS = frozenset({"logs", "records"})
RESERVED_STREAM_PREFIXES = ("cdf_", "cognite_")

EXPECTED_SPACE = "expected a space: 1-43 letters, digits, '_' and '-', starting with a letter"
EXPECTED_SCHEMA_ID = "expected a name: 1-255 letters, digits and '_', first a letter, last a letter or digit"


class InvalidRecordError(ValueError):
    """A row that CDF would refuse, whatever is in the stream."""


def shortened(text: str) -> str:
    """Return a text for a message, cut off where it is long."""
    return text if len(text) <= MAX_QUOTE else f"{text[:MAX_QUOTE]}..."


def identity_of(space: str, external_id: str) -> Identity:
    """Return the text ``space/externalId`` that identifies a record."""
    return f"{space}/{external_id}"


def identities_of(spaces: Sequence[str], external_ids: Iterable[str]) -> list[Identity]:
    """Return the identities of several records; quickest where all are of one space."""
    if len(set(spaces)) == 1:
        prefix = identity_of(spaces[0], "")
        return [prefix + external_id for external_id in external_ids]
    return list(map(identity_of, spaces, external_ids))


def check_stream_id(stream_id: object) -> str:
    """Return the stream id.

    :raises InvalidArgumentError: when CDF does not accept it.
    """
    if (
        not isinstance(stream_id, str)
        or not STREAM_ID.fullmatch(stream_id)
        or stream_id in RESERVED_STREAMS
        or stream_id.startswith(RESERVED_STREAM_PREFIXES)
    ):
        msg = (
            f"stream_id must be 1-100 lower-case letters, digits, '_' and '-', starting with a letter, "
            "ending with a letter or digit; not 'logs' or 'records', nor starting with 'cdf_' or 'cognite_'; "
            f"got {stream_id!r}."
        )
        raise InvalidArgumentError(msg)
    return stream_id


def check_space(space: str, where: str = "space") -> None:
    """Refuse an invalid id of a space.

    :param where: the field, for the error.
    :raises InvalidRecordError: naming the field.
    """
    if not SPACE.fullmatch(space):
        msg = f"{where}: {EXPECTED_SPACE}, got {shortened(space)!r}"
        raise InvalidRecordError(msg)
    if space in RESERVED_SPACES:
        msg = f"{where}: {space!r} is reserved by CDF"
        raise InvalidRecordError(msg)


def check_external_id(external_id: str) -> None:
    """Refuse an invalid external id of a record.

    :raises InvalidRecordError: saying why.
    """
    if not 1 <= len(external_id) <= MAX_EXTERNAL_ID:
        msg = f"externalId: expected 1 to {MAX_EXTERNAL_ID} characters, got {len(external_id)}"
        raise InvalidRecordError(msg)
    if "\0" in external_id:
        msg = "externalId: must not hold a null byte"
        raise InvalidRecordError(msg)


def are_external_ids(external_ids: list[str]) -> bool:
    """Return whether all external ids are valid, checking them together."""
    sizes = set(map(len, external_ids)) or {1}
    return min(sizes) >= 1 and max(sizes) <= MAX_EXTERNAL_ID and "\0" not in "".join(external_ids)
