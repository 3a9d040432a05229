"""Columns of values as JSON, written together, which takes less time than each value by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from airflow_provider_cdf_records.records.encoding import CANNOT_ENCODE

NULL = "null"
MANY_TIMES = 8

_encoder = msgspec.json.Encoder()


class JsonTexts(NamedTuple):
    """A column as JSON.

    :param texts: one a row; ``None`` where there is no value.
    :param before: stands before each text, such as a quote.
    :param after: stands after each.
    :param missing: the indexes of the rows without a value.
    """

    texts: list[Any]
    before: str = ""
    after: str = ""
    missing: Sequence[int] = ()

    @property
    def lacks_few(self) -> bool:
        """Whether so few values are missing that the rows are best seen to one by one."""
        return len(self.missing) * MANY_TIMES < len(self.texts)

    def within(self, before: str, after: str) -> list[str]:
        """Return whole texts with something around each; empty ones where there is no value.

        :param before: stands before each text.
        :param after: stands after each.
        """
        before, after = before + self.before, self.after + after
        return ["" if text is None else f"{before}{text}{after}" for text in self.texts]

    def with_nulls(self) -> JsonTexts:
        """Return the column with ``null`` where there is no value."""
        if not self.missing:
            return self
        return JsonTexts([text or NULL for text in self.within("", "")])

    def spread(self, missing: Sequence[int]) -> JsonTexts:
        """Return a column in which no value is missing with more rows, which have none.

        :param missing: the indexes of those rows.
        """
        texts: list[Any] = [None] * (len(self.texts) + len(missing))
        column = JsonTexts(texts, self.before, self.after, missing)
        start = 0
        if column.lacks_few:
            for number, index in enumerate(missing):
                texts[start:index] = self.texts[start - number : index - number]
                start = index + 1
            texts[start:] = self.texts[start - len(missing) :]
            return column
        rest, empty = iter(self.texts), set(missing)
        texts[:] = [None if index in empty else next(rest) for index in range(len(texts))]
        return column

    def raws(self) -> list[Any]:
        """Return the values one by one, as ``msgspec`` encodes them."""
        return [msgspec.Raw(text.encode()) if text else msgspec.UNSET for text in self.within("", "")]


def written(values: list[Any]) -> JsonTexts | None:
    """Return values as JSON, as ``msgspec`` encodes them; ``None`` where it cannot."""
    try:
        joined = "".join(values)
    except TypeError:  # not all are texts
        return _written_one_by_one(values)
    return written_texts(values, joined)


def written_texts(texts: list[str], joined: str) -> JsonTexts | None:
    """Return texts as :func:`written` does.

    :param joined: all of them.
    """
    try:
        is_escaped = b"\\" in _encoder.encode(joined)
    except CANNOT_ENCODE:  # half of a surrogate pair
        return None
    return _written_one_by_one(texts) if is_escaped else JsonTexts(texts, '"', '"')


def written_but(null: Any, values: list[Any]) -> JsonTexts | None:
    """Return values as JSON as :func:`written` does.

    :param null: stands for no value.
    """
    missing = [index for index, value in enumerate(values) if value is null]
    if not missing:
        return written(values)
    texts = written([value for value in values if value is not null])
    return None if texts is None else texts.spread(missing)


def _written_one_by_one(values: list[Any]) -> JsonTexts | None:
    try:
        texts = _encoder.encode_lines(values).decode().split("\n")
    except CANNOT_ENCODE:
        return None
    texts.pop()  # after the last line feed
    return JsonTexts(texts) if len(texts) == len(values) else None
