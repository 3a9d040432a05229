"""What is watched: the part of a trigger's arguments that must be equal for a poll to be shared."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.records.errors import InvalidArgumentError

AGO = re.compile(r"[1-9]\d{0,5}[smhdw]-ago")


class InvalidTriggerArgumentError(InvalidArgumentError, TypeError):
    """An argument that makes no sense.

    A ``TypeError`` is what a triggerer survives when it makes a trigger that an earlier version has stored.
    """


@dataclass(frozen=True)
class Watch:
    """What is polled, and how often; see :class:`.CdfRecordsChangedTrigger`."""

    stream_id: str
    cdf_conn_id: str
    filter: Mapping[str, Any] | None
    sources: Sequence[Mapping[str, Any]] | None
    initialize_cursor: str
    poll_interval: float

    @property
    def key(self) -> tuple[str, ...]:
        """What is equal for two watches that can share their polls."""
        filter, sources = _canonical(self.filter), _canonical(self.sources)
        interval = str(float(self.poll_interval))
        return (self.cdf_conn_id, self.stream_id, filter, sources, self.initialize_cursor, interval)

    @property
    def state_key(self) -> str:
        """The name of the cursor in the state of an asset.

        It stays when the interval or what is listed changes, so that no change is left out then.
        """
        what = _canonical([self.cdf_conn_id, self.stream_id, self.filter])
        return f"cdf_records_changed_{hashlib.sha256(what.encode()).hexdigest()[:16]}"

    def check(self) -> None:
        """Refuse what makes no sense.

        :raises InvalidTriggerArgumentError: saying which argument, and how to mend it.
        """
        try:
            kinds.stream_id("stream_id", self.stream_id)
            kinds.connection_id("cdf_conn_id", self.cdf_conn_id)
        except InvalidArgumentError as error:
            raise InvalidTriggerArgumentError(str(error)) from None
        if self.filter is not None and not isinstance(self.filter, Mapping):
            _refuse("filter", "a dict in CDF's filter language, or None", self.filter)
        sources = self.sources
        if sources is not None and not (
            isinstance(sources, list | tuple) and sources and all(isinstance(one, Mapping) for one in sources)
        ):
            _refuse("sources", "a list such as [{'source': {...}, 'properties': ['*']}], or None", sources)
        for name, value in (("filter", self.filter), ("sources", sources)):
            try:
                _canonical(value)
            except (TypeError, ValueError):
                _refuse(name, "of plain JSON values, as it is kept in Airflow's database", value)
        if not isinstance(self.initialize_cursor, str) or not AGO.fullmatch(self.initialize_cursor):
            _refuse("initialize_cursor", "a duration such as '5m-ago' or '7d-ago'", self.initialize_cursor)
        interval = self.poll_interval
        if (
            isinstance(interval, bool)
            or not isinstance(interval, int | float)
            or not (0 < interval < math.inf)
        ):
            _refuse("poll_interval", "a number of seconds above 0", interval)


def check_max_identities(number: Any) -> None:
    """Refuse a number that makes no sense.

    :raises InvalidTriggerArgumentError: for one.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        _refuse("max_identities", "a whole number, at least 0", number)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _refuse(name: str, wanted: str, value: Any) -> None:
    msg = f"{name} must be {wanted}, got {str(value)[:200]!r}."
    raise InvalidTriggerArgumentError(msg)
