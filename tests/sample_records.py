"""Records for tests."""

from __future__ import annotations

from typing import Any

SPACE, CONTAINER, STREAM = "plant", "Alarm", "alarms"

TOO_DEEP = 1_000_000  # levels of nesting: from Python 3.14 on, they are read until the stack is full

# A value of property "time" that the checks before sending let pass, and the local server refuses.
REFUSED_BY_CDF = "2026-01-02T03:04:05.123456Z"


def a_record(external_id: str = "a", **properties: Any) -> dict[str, Any]:
    """Return an API-shaped record of the container that the tests use."""
    source = {"type": "container", "space": SPACE, "externalId": CONTAINER}
    return {
        "space": SPACE,
        "externalId": external_id,
        "sources": [{"source": source, "properties": properties or {"value": 1.5}}],
    }
