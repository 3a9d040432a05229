"""Whether a stream holds the last row of each identity, of all of them, as queries answer."""

from __future__ import annotations

from array import array
from typing import Any

from airflow_provider_cdf_records.client import CdfClient, sync_records
from dev.celery_demo.rows import NONE, name_of, value_of

SINCE = "1d-ago"


def differences(
    client: CdfClient, stream_id: str, last: array[int], *, space: str, container: str
) -> list[str]:
    """Return what a stream holds otherwise than it should; empty where each identity has its last row.

    :param last: of each identity the number of its last row.
    """
    expected = {name_of(identity): row for identity, row in enumerate(last) if row != NONE}
    held: dict[str, Any] = {}
    for page in sync_records(client, stream_id, initialize_cursor=SINCE):
        for item in page.items:
            if item["status"] == "deleted":
                held.pop(item["externalId"], None)
            else:
                properties = item["properties"][space][container]
                held[item["externalId"]] = (properties.get("number"), properties.get("value"))
    problems = [f"{name} is missing" for name in expected.keys() - held.keys()]
    problems += [f"{name} is in no row of the file" for name in held.keys() - expected.keys()]
    problems += [
        f"{name} holds {held[name][1]} of row {held[name][0]}; its last row is {row}, with {value_of(row)}"
        for name, row in expected.items()
        if name in held and held[name] != (row, value_of(row))
    ]
    count = client.count_records(stream_id)
    if count != len(expected):
        problems.append(
            f"an aggregate counts {count:,} records, and the file has {len(expected):,} identities"
        )
    return problems
