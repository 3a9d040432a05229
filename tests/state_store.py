"""A store for what a task remembers between its tries."""

from __future__ import annotations

import json
from typing import Any


class Memory:
    """A store that outlives the tries of a task, as Airflow's does, and holds JSON only.

    :ivar writes: how often a value was set.
    """

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.writes = 0

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any) -> None:
        self.writes += 1
        self.kept[key] = json.loads(json.dumps(value))

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)
