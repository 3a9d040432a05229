"""Collects the problems of the rows of a chunk, of which a row may have several."""

from __future__ import annotations

from airflow_provider_cdf_records.mapping.types import Problems
from airflow_provider_cdf_records.records.problems import join_problems


class RowProblems:
    """What is wrong with rows, by their index in the chunk.

    :ivar unidentified: the rows whose identity is wrong or missing.
    """

    def __init__(self) -> None:
        self._by_row: dict[int, list[str]] = {}
        self.unidentified: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._by_row)

    def __contains__(self, index: int) -> bool:
        return index in self._by_row

    def add(self, problems: Problems, prefix: str = "") -> None:
        """Add a problem to each of some rows.

        :param prefix: of each, such as ``space: ``.
        """
        for index, why in problems.items():
            self._by_row.setdefault(index, []).append(prefix + why)

    def add_of_identity(self, problems: Problems, prefix: str = "") -> None:
        """Add a problem with the identity to each of some rows."""
        self.unidentified.update(problems)
        self.add(problems, prefix)

    def messages(self) -> Problems:
        """Return all that is wrong with each row as one message, in the order of the rows."""
        return {index: join_problems(self._by_row[index]) for index in sorted(self._by_row)}
