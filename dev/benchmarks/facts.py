"""What generator, sinks and contenders have in common: the names, the data, and what CDF answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / ".bench"

PROJECT = "p"
STREAM = "alarms"
SPACE = "plant"
CONTAINER = "Alarm"
ASSETS = "assets"
TOKEN = "not-a-secret"  # noqa: S105 (the sinks take any)
BATCH = 1000  # records a request, the most that CDF takes
CONCURRENCY = 4
GZIP = "BENCH_GZIP"  # environment of a contender: whether it packs what it sends

PROJECT_PATH = f"/api/v1/projects/{PROJECT}"
STREAM_PATH = f"{PROJECT_PATH}/streams/{STREAM}"
UPSERT_PATH = f"{STREAM_PATH}/records/upsert"
TOKEN_PATH = "/token"  # noqa: S105 (an address)

MAPPING: dict[str, Any] = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [
        {
            "space": SPACE,
            "container": CONTAINER,
            "properties": {
                "tag": "tag",
                "time": "time",
                "severity": "severity",
                "value": "reading",
                "acknowledged": "acknowledged",
                "pump": {"column": "pump_id", "direct": ASSETS},
            },
        }
    ],
}

_TYPES = {
    "tag": "text",
    "time": "timestamp",
    "severity": "text",
    "value": "float64",
    "acknowledged": "boolean",
    "pump": "direct",
}
_CREATED = 1_767_225_600_000  # epoch milliseconds


def _property(kind: str) -> dict[str, Any]:
    described: dict[str, Any] = {"type": kind, "list": False}
    if kind == "text":
        described["collation"] = "ucs_basic"
    return {
        "type": described,
        "nullable": True,
        "autoIncrement": False,
        "immutable": False,
        "constraintState": {},
    }


def _capability(acl: str, *actions: str) -> dict[str, Any]:
    return {
        acl: {"version": 1, "actions": list(actions), "scope": {"all": {}}},
        "projectScope": {"projects": [PROJECT]},
    }


_STREAM = {
    "externalId": STREAM,
    "createdTime": _CREATED,
    "createdFromTemplate": "BasicLiveData",
    "type": "Mutable",
    "settings": {
        "lifecycle": {"retainedAfterSoftDelete": "P42D"},
        "limits": {
            "maxRecordsTotal": {"provisioned": 500_000_000},
            "maxGigaBytesTotal": {"provisioned": 500},
        },
    },
}
_CONTAINER = {
    "space": SPACE,
    "externalId": CONTAINER,
    "usedFor": "record",
    "isGlobal": False,
    "createdTime": _CREATED,
    "lastUpdatedTime": _CREATED,
    "properties": {name: _property(kind) for name, kind in _TYPES.items()},
    "constraints": {},
    "indexes": {},
}
_INSPECT = {
    "subject": "benchmark",
    "projects": [{"projectUrlName": PROJECT, "groups": [1]}],
    "capabilities": [
        _capability("streamRecordsAcl", "READ", "WRITE"),
        _capability("dataModelsAcl", "READ"),
        _capability("streamsAcl", "READ"),
    ],
}


def _body(answer: object) -> str:
    return json.dumps(answer, separators=(",", ":"))


ANSWERS: dict[str, tuple[int, str]] = {  # by path, whatever the method
    UPSERT_PATH: (202, "{}"),
    TOKEN_PATH: (200, _body({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})),
    STREAM_PATH: (200, _body(_STREAM)),
    "/api/v1/token/inspect": (200, _body(_INSPECT)),
    f"{PROJECT_PATH}/models/containers/byids": (200, _body({"items": [_CONTAINER]})),
}
