"""Checks of a load's arguments, light enough for the time when a DAG is parsed."""

from __future__ import annotations

from typing import Literal, get_args

from airflow_provider_cdf_records.records.errors import InvalidArgumentError

IfEmpty = Literal["succeed", "skip", "fail"]
WHERE_NONE_IS_KEPT = (
    "watermark needs a store that outlives the run: Airflow 3.3 or later, which has one for an operator of a "
    "DAG (for a hook it is watermark_store=context['asset_state_store'][asset]). Where there is none, "
    "let the interval of the run say what to load: parameters={'start': {'timestamp': "
    "'{{ data_interval_start }}'}, 'end': {'timestamp': '{{ data_interval_end }}'}}."
)


def check_if_empty(if_empty: object) -> None:
    """Refuse what does not say how a load of nothing ends.

    :raises InvalidArgumentError: with what it can be.
    """
    if if_empty not in get_args(IfEmpty):
        msg = f"if_empty must be one of {', '.join(get_args(IfEmpty))}, got {if_empty!r}."
        raise InvalidArgumentError(msg)


def check_limit(limit: object) -> None:
    """Refuse what is not a number of rows; ``None`` stands for all.

    :raises InvalidArgumentError: with what it was.
    """
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        msg = f"limit must be a whole number of rows, at least 1, got {limit!r}."
        raise InvalidArgumentError(msg)


def check_flag(name: str, value: object) -> None:
    """Refuse what is not ``True`` or ``False``: a text such as ``"false"`` would count as true.

    :raises InvalidArgumentError: with what it was.
    """
    if not isinstance(value, bool):
        msg = f"{name} must be True or False, got {value!r}."
        raise InvalidArgumentError(msg)


def check_max_rejected(max_rejected: object) -> None:
    """Refuse what is neither a number of records nor a share of them.

    :raises InvalidArgumentError: with what it was.
    """
    if (
        not isinstance(max_rejected, int | float)
        or isinstance(max_rejected, bool)
        or not max_rejected >= 0
        or (isinstance(max_rejected, float) and max_rejected > 1)
    ):
        msg = f"max_rejected must be a number of records, or a share from 0.0 to 1.0, got {max_rejected!r}."
        raise InvalidArgumentError(msg)


def check_watermark(column: object, initial: object) -> None:
    """Check arguments.

    :raises InvalidArgumentError: naming the one that makes no sense.
    """
    if not isinstance(column, str) or not column:
        msg = f"watermark must name a column of the query's result, got {column!r}."
        raise InvalidArgumentError(msg)
    if initial is None or initial in ("", "None"):
        msg = (
            "watermark needs initial_watermark, with which the first load begins: a value of that column, "
            f"such as {{'timestamp': '2020-01-01T00:00:00Z'}} or 0, got {initial!r}."
        )
        raise InvalidArgumentError(msg)
