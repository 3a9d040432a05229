"""The official SDK as the local server's only client, with a space, a container of all types and a stream."""

from __future__ import annotations

from typing import Any

from cognite.client import ClientConfig, CogniteClient, global_config
from cognite.client.credentials import OAuthClientCredentials
from cognite.client.data_classes import data_modeling as dm
from cognite.client.data_classes.data_modeling import ContainerApply, ContainerPropertyApply, SpaceApply
from cognite.client.data_classes.data_modeling.records import RecordContainerId, RecordSource, RecordWrite
from cognite.client.data_classes.data_modeling.streams import StreamTemplate, StreamWrite, StreamWriteSettings

from airflow_provider_cdf_records.local_server import LocalServer

SPACE, CONTAINER, STREAM = "plant", "Everything", "events"
ALL_TYPES = {
    "text": dm.Text(),
    "texts": dm.Text(is_list=True),
    "flag": dm.Boolean(),
    "small": dm.Int32(),
    "large": dm.Int64(),
    "single": dm.Float32(),
    "double": dm.Float64(),
    "doubles": dm.Float64(is_list=True),
    "time": dm.Timestamp(),
    "day": dm.Date(),
    "anything": dm.Json(),
    "asset": dm.DirectRelation(),
    "series": dm.TimeSeriesReference(),
    "file": dm.FileReference(),
    "sequence": dm.SequenceReference(),
}
VALUES: dict[str, Any] = {
    "text": "snö ☃",
    "texts": ["a", "b"],
    "flag": True,
    "small": -7,
    "large": 2**60,
    "single": 0.5,
    "double": 1e300,
    "doubles": [1.5, 2],
    "time": "2026-01-02T03:04:05.678Z",
    "day": "2026-01-02",
    "anything": {"deep": [1, None, {"x": "y"}]},
    "asset": {"space": "assets", "externalId": "pump-7"},
    "series": "ts-1",
    "file": "file-1",
    "sequence": "seq-1",
}


def connect(server: LocalServer) -> CogniteClient:
    """Return a client that has created what records need."""
    global_config.disable_pypi_version_check = True
    global_config.max_retries = 0
    credentials = OAuthClientCredentials(
        token_url=server.token_url,
        client_id=server.settings.client_id,
        client_secret=server.settings.client_secret,
        scopes=["anything"],
    )
    config = ClientConfig(
        client_name="test", project=server.settings.project, credentials=credentials, base_url=server.url
    )
    client = CogniteClient(config)
    client.data_modeling.spaces.apply(SpaceApply(SPACE, name="Plant"))
    client.data_modeling.containers.apply(
        ContainerApply(
            SPACE,
            CONTAINER,
            properties={name: ContainerPropertyApply(type=kind) for name, kind in ALL_TYPES.items()},
            used_for="record",
        )
    )
    client.data_modeling.streams.create(a_stream(STREAM))
    return client


def a_stream(stream_id: str, template: str = "BasicLiveData") -> StreamWrite:
    return StreamWrite(stream_id, StreamWriteSettings(StreamTemplate(template)))


def a_record(external_id: str, **properties: Any) -> RecordWrite:
    source = RecordSource(RecordContainerId(SPACE, CONTAINER), properties)
    return RecordWrite(SPACE, external_id, [source])


def prop(name: str) -> tuple[str, str, str]:
    return (SPACE, CONTAINER, name)


def ids(records: Any) -> list[str]:
    return [record.external_id for record in records]


def upsert(client: CogniteClient, *records: RecordWrite) -> None:
    client.data_modeling.records.upsert(list(records), stream_id=STREAM)


def matching(client: CogniteClient, a_filter: Any) -> list[str]:
    return sorted(ids(client.data_modeling.records.filter(stream_id=STREAM, filter=a_filter, limit=1000)))
