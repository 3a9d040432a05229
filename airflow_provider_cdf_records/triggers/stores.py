"""Where Airflow keeps the state of the assets that a trigger watches for."""

from __future__ import annotations

from typing import Any, Protocol

from airflow_provider_cdf_records.triggers.threads import Threads


class Store(Protocol):
    """The state of one asset."""

    async def get(self, key: str) -> Any:
        """Return what is kept under a key, or ``None``."""

    async def set(self, key: str, value: Any) -> None:
        """Keep a value."""


class AssetStore:
    """The state of one asset, in any Airflow that has it.

    :param accessor: Airflow's.
    """

    def __init__(self, accessor: Any) -> None:
        self._accessor = accessor
        self._threads = Threads(1)

    async def get(self, key: str) -> Any:
        """Return what is kept under a key, or ``None``."""
        if hasattr(self._accessor, "aget"):
            return await self._accessor.aget(key)
        return await self._threads.call(lambda: self._accessor.get(key))  # before Airflow 3.3.2

    async def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        if hasattr(self._accessor, "aset"):
            await self._accessor.aset(key, value)
        else:
            await self._threads.call(lambda: self._accessor.set(key, value))


def stores_of(accessors: Any) -> list[AssetStore]:
    """Return the stores of all assets of a trigger, from what Airflow gives it.

    :param accessors: an ``AssetStateStoreAccessors``, which names no way to all assets at once, or ``None``.
    """
    if accessors is None:
        return []
    found: list[Any] = []
    for name in ("_by_name", "_by_uri"):
        found += getattr(accessors, name, {}).values()
    return [AssetStore(accessor) for accessor in found]
