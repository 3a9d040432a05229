"""The options that all formats of text have, and what makes a value of them wrong."""

from __future__ import annotations

import codecs
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.formats.base import AnyOptions, Options, without_none

ENCODING_ERRORS = ("reject", "replace", "ignore", "backslashreplace")


@dataclass(frozen=True)
class TextOptions(Options):
    """How the text of a file is written.

    :param encoding: any that Python knows; a byte order mark of UTF-8, UTF-16 or UTF-32 comes before it.
    :param encoding_errors: what becomes of bytes that are no text in the encoding: ``"reject"`` (their row is
        rejected), ``"replace"`` (by U+FFFD), ``"ignore"`` (they are left out) or ``"backslashreplace"`` (by
        such as ``\\xe9``).
    :param null_values: texts that stand for no value.
    """

    encoding: str = "utf-8"
    encoding_errors: str = "reject"
    null_values: Sequence[str] = ()

    @classmethod
    def of(cls: type[AnyOptions], given: Mapping[str, Any]) -> AnyOptions:
        """Return options from a mapping, in which ``None`` stands for the default.

        :raises InvalidArgumentError: naming the option that makes no sense.
        """
        given = without_none(given)
        check_text_options(given)
        return cls(**given)


def check_text_options(given: Mapping[str, Any]) -> None:
    """Refuse options of :class:`TextOptions` that make no sense.

    :param given: those that were given; others are left alone.
    :raises InvalidArgumentError: naming the option and its value.
    """
    if "encoding" in given and not is_encoding(given["encoding"]):
        msg = f"file_options: encoding must be one that Python knows, got {given['encoding']!r}."
        raise InvalidArgumentError(msg)
    if "encoding_errors" in given and given["encoding_errors"] not in ENCODING_ERRORS:
        known = ", ".join(map(repr, ENCODING_ERRORS))
        msg = f"file_options: encoding_errors must be one of {known}, got {given['encoding_errors']!r}."
        raise InvalidArgumentError(msg)
    nulls = given.get("null_values", ())
    if not isinstance(nulls, list | tuple) or not all(isinstance(text, str) for text in nulls):
        msg = f"file_options: null_values must be a list of texts, got {nulls!r}."
        raise InvalidArgumentError(msg)


def is_encoding(name: object) -> bool:
    """Whether Python can read text in an encoding of that name, and go on after bytes that are wrong.

    It also has encodings of bytes to bytes, and some that stop at the first wrong byte.
    """
    if not isinstance(name, str):
        return False
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name)
        codecs.getincrementaldecoder(name)
        b"a".decode(name, "backslashreplace")
    except (LookupError, TypeError, ValueError):
        return False
    return True
