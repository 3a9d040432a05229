"""Records for tests."""

from __future__ import annotations

from typing import Any

SPACE, CONTAINER, STREAM = "plant", "Alarm", "alarms"


def a_record(external_id: str = "a", **properties: Any) -> dict[str, Any]:
    """Return an API-shaped record of the container that the tests use."""
    source = {"type": "container", "space": SPACE, "externalId": CONTAINER}
    return {
        "space": SPACE,
        "externalId": external_id,
        "sources": [{"source": source, "properties": properties or {"value": 1.5}}],
    }
