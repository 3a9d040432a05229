"""The bodies of many records in one request, each by itself only when it is needed."""

from __future__ import annotations

from typing import Any, overload

import msgspec

from airflow_provider_cdf_records.records.lazy_lists import LazyList


class _Request(msgspec.Struct, gc=False):
    items: list[msgspec.Raw]


_decode = msgspec.json.Decoder(_Request).decode


class Bodies(LazyList[bytes]):
    """The bodies of the records of a request: most loads send them all together, as they are there.

    :param request: its body, ``{"items": [...]}``.
    :param count: how many records it has.
    """

    def __init__(self, request: bytes, count: int) -> None:
        self._request = request
        self._count = count
        self._bodies: list[bytes] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: Any) -> Any:
        if self._bodies is None:
            self._bodies = list(map(bytes, _decode(self._request).items))
        return self._bodies[index]
