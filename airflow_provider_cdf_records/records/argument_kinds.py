"""The kinds of arguments: each reads a value, or the text that a template made of one, or refuses it.

All take the argument's name, for the message, and the value; they raise :class:`.InvalidArgumentError`.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from numbers import Number
from os import PathLike
from typing import Any

from airflow_provider_cdf_records.records.argument_checks import check_flag, check_max_rejected
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import check_stream_id, shortened
from airflow_provider_cdf_records.records.partition import Partition

Kind = Callable[[str, Any], Any]

AGO = re.compile(r"(\d{1,6})([smhdw])-ago")
NOTHING = ("", "None")  # what a template without a value renders to
FLAGS = {"true": True, "false": False}
IS_NOTHING = ", which is what a template or an upstream task gives where there is nothing"


def optional(kind: Kind, *, as_text: bool = True) -> Kind:
    """Return a kind that takes ``None``, too.

    :param as_text: whether the text ``"None"``, which a template makes of it, stands for it.
    """

    def read(name: str, value: Any) -> Any:
        is_none = value is None or (as_text and isinstance(value, str) and value == "None")
        return None if is_none else kind(name, value)

    return read


def number_of(text: str, *more: type[float]) -> Any:
    """Return the whole number that a text stands for, or else the number of another type, or the text."""
    for kind in (int, *more):
        with suppress(ValueError):
            return kind(text)
    return text


def flag_of(text: str) -> Any:
    """Return the flag that a text stands for, or the text."""
    return FLAGS.get(text.strip().lower(), text)


def text(name: str, value: Any) -> str:
    """Read a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise _refusal(name, "a text", value)
    return value


def query(name: str, value: Any) -> str:
    """Read the text of a SQL query."""
    if not isinstance(value, str) or not value.strip():
        raise _refusal(name, "one SELECT", value)
    return value


def connection_id(name: str, value: Any) -> str:
    """Read the id of an Airflow connection."""
    if not isinstance(value, str) or value.strip() in NOTHING:
        raise _refusal(name, "the id of an Airflow connection", value)
    return value


def stream_id(name: str, value: Any) -> str:  # noqa: ARG001
    """Read the id of a stream."""
    return check_stream_id(value)


def flag(name: str, value: Any) -> bool:
    """Read true or false."""
    value = flag_of(value) if isinstance(value, str) else value
    check_flag(name, value)
    return bool(value)


def whole_number(*, least: int, of: str = "number") -> Kind:
    """Return the kind of whole numbers.

    :param of: what they count, for the message.
    """

    def read(name: str, value: Any) -> int:
        number = value
        if isinstance(value, str):
            number = number_of(value)
        elif isinstance(value, float) and value.is_integer():  # as JSON and some drivers give them
            number = int(value)
        if not isinstance(number, bool):
            with suppress(TypeError):
                if (number := operator.index(number)) >= least:
                    return number
        raise _refusal(name, f"a whole {of}, at least {least}", value)

    return read


def count_or_share(name: str, value: Any) -> float:  # noqa: ARG001
    """Read a number of records, or a share of them from 0.0 to 1.0."""
    number = number_of(value, float) if isinstance(value, str) else value
    check_max_rejected(number)
    return number  # type: ignore[no-any-return]


def one_of(*names: str) -> Kind:
    """Return the kind of texts of which there are only these."""

    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise _refusal(name, f"one of {', '.join(names)}", value)
        return value

    return read


def partition(name: str, value: Any) -> str:
    """Read the number of a part and how many parts there are, such as ``2/8``."""
    if value is None or (isinstance(value, str) and value.strip() in NOTHING):
        raise _refusal(name, "a part, such as '2/8'", value)
    return str(Partition.of(value))


def json_object(name: str, value: Any) -> Mapping[str, Any]:
    """Read a dict, or JSON text of one."""
    read = _read_json(name, value) if isinstance(value, str) else value
    if not isinstance(read, Mapping):
        raise _refusal(name, "a dict, or JSON text of one", read, show=False)
    return read


def json_objects(name: str, value: Any, expected: str) -> list[Mapping[str, Any]]:
    """Read a dict or a list of dicts, or JSON text of one; ``None`` in a list is left out.

    :param expected: what they are, for the message.
    """
    read = _read_json(name, value) if isinstance(value, str) else value
    several = [read] if isinstance(read, Mapping) else read
    if not isinstance(several, Sequence) or isinstance(several, bytes | bytearray):
        raise _refusal(name, expected, read, show=isinstance(read, int | float))
    several = [one for one in several if one is not None]
    for one in several:
        if not isinstance(one, Mapping):
            raise _refused(name, expected, f"a list with {with_article(type(one).__name__)}")
    return several


def json_list(name: str, value: Any) -> Sequence[Mapping[str, Any]]:
    """Read a list of dicts that is not empty, or JSON text of one."""
    read = _read_json(name, value) if isinstance(value, str) else value
    is_list = isinstance(read, Sequence) and not isinstance(read, str | bytes | bytearray)
    if not is_list or not read or not all(isinstance(one, Mapping) for one in read):
        raise _refusal(name, "a list of dicts, or JSON text of one", read, show=False)
    return list(read)


def time_ago(name: str, value: Any) -> str:
    """Read how long ago, as CDF writes it."""
    if not isinstance(value, str) or not AGO.fullmatch(value):
        raise _refusal(name, "how long ago, such as '1d-ago' (s, m, h, d, w)", value)
    return value


def query_parameters(name: str, value: Any) -> Sequence[Any] | Mapping[str, Any]:
    """Read values for a query's placeholders: a list or a dict, or JSON text of one."""
    read = _read_json(name, value) if isinstance(value, str) else value
    if not isinstance(read, Mapping | Sequence) or isinstance(read, str | bytes | bytearray):
        raise _refusal(name, "a list or a dict, or JSON text of one", read, show=False)
    return read


def first_watermark(name: str, value: Any) -> Any:
    """Read a value of a column that grows: a number, a text, or a moment, also as ``{"timestamp": ...}``."""
    kinds = (Number, str, bytes, date, Mapping)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise _refusal(
            name, "a value of the column, such as {'timestamp': '2020-01-01T00:00:00Z'} or 0", value
        )
    return value


def flag_or_folder(name: str, value: Any) -> Any:
    """Read true or false, or the path of a folder; what a template gives where there is nothing is false."""
    read = flag_of(value) if isinstance(value, str) else value
    if isinstance(read, str) and read.strip() in NOTHING:
        return False
    if isinstance(read, bool) or _is_path(read):
        return read
    raise _refusal(name, "True, a folder, or the URL of one on storage", read)


def path(name: str, value: Any) -> Any:
    """Read a path or an fsspec URL, whatever is there."""
    if _is_path(value) and str(value).strip() not in NOTHING:
        return value
    is_table = hasattr(value, "columns")  # of a data frame, whose repr is a table
    got = type(value).__name__ if is_table else shortened(repr(value))
    msg = f"{name} must be a path or an fsspec URL, got {got}"
    if value is None or isinstance(value, str):
        msg += IS_NOTHING
    if isinstance(value, str) and value == "None":
        msg += " (a file of that name is ./None)"
    if is_table or (isinstance(value, list | tuple) and value and isinstance(value[0], dict)):
        msg += "; give rows by records=, not by path" if name == "path" else ""
    elif isinstance(value, list | tuple | set):
        msg += f"; for several, name their folder or a pattern, or use .expand({name}=...)"
    raise InvalidArgumentError(f"{msg}.")


def paths(name: str, value: Any) -> Any:
    """Read a path, as :func:`path` does, or a list of them."""
    if isinstance(value, list | tuple) and not any(isinstance(one, Mapping) for one in value):
        return [path(f"{name}[{number}]", one) for number, one in enumerate(value)]
    return path(name, value)


def _is_path(value: Any) -> bool:
    return isinstance(value, str | PathLike) or hasattr(value, "protocol")  # the last: of any UPath


def with_article(noun: str) -> str:
    """Return a noun with its article, such as ``an int``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _read_json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        msg = f"{name} is a text that is not JSON ({error})"
        if value.strip() in NOTHING:
            msg = f"{name} must not be {value!r}{IS_NOTHING}"
        elif value.lstrip().startswith(("{", "[")):
            msg += "; a template makes JSON by the filter tojson, such as {{ params.it | tojson }}"
        raise InvalidArgumentError(f"{msg}.") from None


def _refusal(name: str, expected: str, value: object, *, show: bool = True) -> InvalidArgumentError:
    """Return an error.

    :param show: whether the value may be shown: it is long, and may hold a secret, in a dict or list.
    """
    got = shortened(repr(value)) if show or value is None else type(value).__name__
    nothing = IS_NOTHING if value is None or (isinstance(value, str) and value in NOTHING) else ""
    return _refused(name, expected, f"{got}{nothing}")


def _refused(name: str, expected: str, got: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name} must be {expected}, got {got}.")
