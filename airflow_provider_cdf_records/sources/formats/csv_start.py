"""Looks at the first rows of a CSV file for options that do not fit the file."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_cdf_records.sources.formats.csv_rows import CsvRow
from airflow_provider_cdf_records.sources.formats.csv_shape import Values
from airflow_provider_cdf_records.sources.source import FormatError

DELIMITERS = (";", "\t", "|", ",")  # that files have


def check_start(
    names: Sequence[str], rows: Sequence[Values | CsvRow], delimiter: str, *, is_given: bool
) -> None:
    """Check that the header and the first rows go together.

    :param names: of the columns.
    :param is_given: whether the user named the columns, not the file.
    :raises FormatError: naming the option to set.
    """
    if is_given and isinstance(rows[0], list) and _are_names(rows[0], names):
        msg = (
            f"begins with a row of the names that header in file_options gives ({rows[0][0]!r}...); leave "
            "header out to take the names from the file, or set skip_rows=1 to skip that row."
        )
        raise FormatError(msg)
    if len(names) == 1 and not is_given and (other := _other_delimiter(names[0], rows[0], delimiter)):
        msg = (
            f"has one column, {names[0]!r}, when it is read with the delimiter {delimiter!r}; set "
            f"file_options={{'delimiter': {other!r}}}."
        )
        raise FormatError(msg)
    lengths = {len(row.values or ()) if isinstance(row, CsvRow) and row.is_whole else 0 for row in rows}
    if len(rows) == 1 or len(lengths) > 1 or lengths == {0} or not (is_given or len(names) == 1):
        return  # it is these rows that are wrong
    assert isinstance(rows[0], CsvRow)  # noqa: S101 (for the type checker)
    (length,) = lengths
    where = f"the rows have {length} values from {rows[0].lines} on"
    if is_given:
        msg = f"does not fit header in file_options, which names {len(names)} columns: {where}."
        if length == 1 and (other := _other_delimiter(rows[0].text, rows[0], delimiter)):
            msg += f" Is the delimiter {other!r}, not {delimiter!r}?"
    else:
        msg = (
            f"has one column in its header row, {names[0]!r}, and {where}. If that row is a title, "
            "skip it with skip_rows in file_options."
        )
    raise FormatError(msg)


def _are_names(row: Values, names: Sequence[str]) -> bool:
    """Whether more than half of a row's values are the names of their columns."""
    pairs = zip(row, names, strict=False)
    same = sum(1 for value, name in pairs if value.strip() and _folded(value) == _folded(name))
    return 2 * same > len(names)


def _folded(text: str) -> str:
    return text.strip().strip("\"'").strip().casefold()


def _other_delimiter(line: str, row: Values | CsvRow, delimiter: str) -> str | None:
    """Return a delimiter that both a line and a row hold; ``None`` when there is none."""
    text = row.text if isinstance(row, CsvRow) else delimiter.join(row)
    return next(
        (other for other in DELIMITERS if other != delimiter and other in line and other in text), None
    )
