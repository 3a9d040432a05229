"""Parameters of a query; moments and dates reach each database as what its times compare with."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.watermark_values import ColumnText, FirstText
from airflow_provider_cdf_records.mapping.types import moment_of, time_zone_of, timestamp_forms
from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.records.problems import listed

log = logging.getLogger(__name__)

Parameters = Sequence[Any] | Mapping[str, Any]

KINDS = ("timestamp", "date")
KEYS = ("time_zone", "format")
UNITS = {"s": 1_000_000, "ms": 1000, "us": 1}  # microseconds; of a nanosecond there are more
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NOTHING = (None, "None", "none", "null")  # as Jinja writes it
YEAR = re.compile(r"(?<!%)((?:%%)*)%Y")
MOMENT_AS_TEXT = re.compile(
    r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)? ?"
    r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)\s*"
)
INSTEAD = '{"timestamp": "{{ data_interval_start }}"}'
ALLOWED = (
    f"{INSTEAD}, with 'time_zone' for a column of local times, and 'format' for one of texts or numbers "
    "since 1970"
)


class _Moment:
    """A parameter ``{"timestamp": ...}`` or ``{"date": ...}``.

    :param name: of the parameter, for messages.
    :raises InvalidArgumentError: naming it, and what is allowed.
    """

    def __init__(self, given: Mapping[str, Any], name: str) -> None:
        self._name = name
        self._kind = next(kind for kind in KINDS if kind in given)
        if unknown := [str(key) for key in given if key not in (self._kind, *KEYS)]:
            raise self._refused(f"has unknown keys {listed(unknown)}; write {ALLOWED}")
        zone, form = given.get("time_zone"), given.get("format")
        self._zone = self._time_zone(zone)
        self._form = self._checked_form(form)
        value = given[self._kind]
        self._moment = None if value in NOTHING else self._read(value)

    def for_driver(self, driver: Driver) -> Any:
        """Return what the driver gets."""
        moment = self._moment
        if moment is None:
            return None
        if self._kind == "date":
            return driver.date(moment.date()) if self._form is None else self._text_of(moment)
        if self._form in (*UNITS, "ns"):
            microseconds = (moment - EPOCH) // timedelta(microseconds=1)
            return microseconds * 1000 if self._form == "ns" else microseconds // UNITS[self._form]
        if self._zone is not None:
            self._warn_if_repeated(moment)
            moment = moment.astimezone(self._zone).replace(tzinfo=None)
        return driver.moment(moment) if self._form is None else self._text_of(moment)

    def _text_of(self, moment: datetime) -> str:
        """Return a text in the form, whose years have four digits, which those before 1000 lack on Linux."""
        return moment.strftime(YEAR.sub(lambda found: f"{found[1]}{moment.year:04}", str(self._form)))

    def _read(self, value: Any) -> datetime:
        try:
            moment = moment_of(value)
        except (ValueError, ArithmeticError, TypeError) as error:
            why = f": {error}" if str(error) else ""
            got = shortened(display(value))
            raise self._refused(f"must be a moment in ISO 8601 or None, got {got}{why}") from None
        if self._kind == "timestamp":
            return moment.replace(tzinfo=moment.tzinfo or self._zone or timezone.utc).astimezone(timezone.utc)
        if moment.tzinfo is not None and self._zone is not None:
            moment = moment.astimezone(self._zone)
        if moment.time() != time():
            hint = "for the day of a moment, write {{ ds }}, or set 'time_zone'"
            raise self._refused(
                f"must be a date, got {shortened(display(value))}: it has a time of day; {hint}"
            )
        return moment

    def _time_zone(self, name: Any) -> tzinfo | None:
        try:
            if name is None or isinstance(name, tzinfo):
                return name
            return time_zone_of(str(name))
        except InvalidArgumentError as error:
            raise self._refused(f"has {error}") from None

    def _checked_form(self, form: Any) -> str | None:
        if form is None:
            return None
        if not isinstance(form, str):
            raise self._refused(f"has a 'format' that is no text: {form!r}")
        try:
            timestamp_forms(form)
        except InvalidArgumentError as error:
            raise self._refused(f"has a 'format' that cannot be used: {error}") from None
        if form in (*UNITS, "ns") and (self._kind == "date" or self._zone is not None):
            what = "with 'time_zone'" if self._zone is not None else "for a date"
            raise self._refused(f"has 'format' {form!r} {what}: a number since 1970 is a moment in UTC")
        return form

    def _warn_if_repeated(self, moment: datetime) -> None:
        """Warn where the clock of the zone shows the same time an hour before or after."""
        local = moment.astimezone(self._zone)
        if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            log.warning(
                "%s is %s in %s, a time that the clock shows twice that day: rows of that hour may be missed "
                "or come again. Load some hours more.",
                self._name,
                local.replace(tzinfo=None).isoformat(" "),
                self._zone,
            )

    def _refused(self, why: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"{self._name} {why}.")


class QueryParameters:
    """The values for the placeholders of a query.

    :raises InvalidArgumentError: naming the one that makes no sense, and what is allowed.
    """

    def __init__(self, parameters: Parameters | None) -> None:
        self._read: Any = None
        if parameters is None:
            return
        if isinstance(parameters, Mapping):
            self._read = {name: _read(value, f"parameters[{name!r}]") for name, value in parameters.items()}
        elif isinstance(parameters, Sequence) and not isinstance(parameters, str | bytes):
            self._read = tuple(_read(value, f"parameters[{at}]") for at, value in enumerate(parameters))
        else:
            msg = (
                "parameters must be a dict or a list of values for the placeholders in sql, "
                f"got {shortened(display(parameters))}."
            )
            raise InvalidArgumentError(msg)

    def for_driver(self, driver: Driver) -> tuple[()] | tuple[Any]:
        """Return what ``cursor.execute`` gets after the query.

        :raises InvalidArgumentError: for a text that is a moment, where the database does not take it as one.
        """
        if self._read is None:
            return ()
        if isinstance(self._read, dict):
            items = self._read.items()
            return ({name: _for_driver(value, driver, f"parameters[{name!r}]") for name, value in items},)
        return (tuple(_for_driver(value, driver, f"parameters[{n}]") for n, value in enumerate(self._read)),)


def _read(value: Any, name: str) -> Any:
    if isinstance(value, Mapping) and not set(KINDS).isdisjoint(value):
        return _Moment(value, name)
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_read(part, name) for part in value)
    return value


def _for_driver(value: Any, driver: Driver, name: str) -> Any:
    if isinstance(value, _Moment):
        return value.for_driver(driver)
    if isinstance(value, datetime):
        moment = moment_of(value)  # pendulum's and pandas' become Python's own, of which every driver knows
        return driver.moment(moment if moment.tzinfo is None else moment.astimezone(timezone.utc))
    if isinstance(value, date):
        return driver.date(date(value.year, value.month, value.day))
    if type(value) in (list, tuple):
        return type(value)(_for_driver(part, driver, name) for part in value)
    if type(value) is ColumnText:
        return str(value)
    if (
        type(value) is FirstText and driver.refuses_moments_as_text
    ):  # nor numbers as texts, so that none is found
        value = value.as_number()
    if isinstance(value, str) and MOMENT_AS_TEXT.fullmatch(value):
        _tell_of_text(value, driver, name)
    return value


def _tell_of_text(value: str, driver: Driver, name: str) -> None:
    what = f"{name} is the text {value!r}"
    if driver.refuses_moments_as_text:
        msg = (
            f"{what}, which this database does not compare as a moment, so that rows would be missed; "
            f'write {{"timestamp": ...}} for it, as in {INSTEAD}; where the column holds such texts, with a '
            "'format'."
        )
        raise InvalidArgumentError(msg)
    log.warning(
        "%s, which a database may compare as a text, or without its offset, so that rows are missed. Write "
        '{"timestamp": ...} for it, as in %s.',
        what,
        INSTEAD,
    )
