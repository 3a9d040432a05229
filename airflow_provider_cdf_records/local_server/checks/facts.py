"""What is known about CDF, as numbers and names.

D: documented publicly. S: seen in the official SDKs. I: inferred, and easy to change here.
``FIDELITY.md`` says more about each inferred one.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_ITEMS = 1000  # D: records of one request
MAX_REQUEST_BYTES = 10_000_000  # D, I: of uncompressed JSON
MAX_SOURCES = 100  # S: sources of one record
MAX_EXTERNAL_ID = 256  # S: characters
MAX_TEXT_BYTES = 128_000  # D
MAX_JSON_BYTES = 40_960  # D
MAX_LIST, MAX_DIRECT_LIST = 1000, 100  # D, S: items, where maxListSize does not say otherwise
LARGEST_LIST = 2000  # D, S: of maxListSize
MAX_LIMIT, DEFAULT_LIMIT = 1000, 10  # D: of filter and sync
MAX_SORT = 5  # S
MAX_FILTER_DEPTH = 20  # I
MAX_IN_VALUES = 100  # S: of the filter "in"
MAX_AGGREGATES, MAX_AGGREGATE_DEPTH = 5, 5  # D: on one level; levels
DEFAULT_UNIQUE_VALUES, MAX_UNIQUE_VALUES = 10, 2000  # D: buckets answered
MAX_FILTER_BUCKETS = 10  # D
MAX_BUCKETS = 10_000  # I: of one histogram

MAX_SCHEMA_ITEMS = 100  # S: spaces or containers of one request
USED_FOR = ("node", "edge", "record", "all")  # D, S: "all" means nodes and edges
FOR_RECORDS = "record"  # D, S
MAX_PROPERTIES = 1000  # D, S: of a container for records

STREAM_ID = r"[a-z]([a-z0-9_-]{0,98}[a-z0-9])?"  # D, S
RESERVED_STREAMS = frozenset({"logs", "records"})
RESERVED_STREAM_PREFIXES = ("cdf_", "cognite_")
SPACE = r"[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?"  # D
RESERVED_SPACES = frozenset({"space", "cdf", "dms", "pg3", "shared", "system", "node", "edge"})
SCHEMA_ID = r"[a-zA-Z]([a-zA-Z0-9_]{0,253}[a-zA-Z0-9])?"  # D: containers, views, properties
RESERVED_PROPERTIES = frozenset(
    {
        "space",
        "externalId",
        "createdTime",
        "lastUpdatedTime",
        "deletedTime",
        "edge_id",
        "node_id",
        "project_id",
        "property_group",
        "seq",
        "tg_table_name",
        "extensions",
    }
)

MUTABLE, IMMUTABLE = "Mutable", "Immutable"


class Template(NamedTuple):
    """What the streams of a template are like; durations in the form of ISO 8601."""

    type: str
    records: int
    gigabytes: float
    retained_after_soft_delete: str = "P42D"
    data_deleted_after: str | None = None
    max_filtering_interval: str | None = None


TEMPLATES = {  # D, S; the times of BasicArchive are those of the examples
    "BasicLiveData": Template(MUTABLE, 5_000_000, 15.0),
    "BasicArchive": Template(
        IMMUTABLE, 500_000_000, 500.0, data_deleted_after="P1Y", max_filtering_interval="P1Y"
    ),
    "ImmutableTestStream": Template(IMMUTABLE, 500_000_000, 500.0, "PT24H", "PT168H", "PT168H"),
}
DEFAULT_TEMPLATE = "BasicLiveData"  # our choice, where no template is named

PARALLEL_WRITES = 20  # D, S: ingest, upsert and delete together
QUERIES_A_SECOND, RETRIEVALS_A_SECOND, AGGREGATES_A_SECOND = 40, 20, 15  # D, S: of mutable streams

ACCEPTED = 202  # D: of upsert and ingest
CREATED = 201  # S: of streams
UPSERT_ON_IMMUTABLE = 422  # D, S
TWICE_IN_REQUEST = 422  # D, S
INGEST_EXISTS = 409  # D, S
STREAM_EXISTS = 409  # I: also while its id stays reserved
STREAM_FULL = 422  # I
TOO_MANY_STREAMS = 422  # I
ENDPOINT_REMOVED = 410  # D: DELETE /streams/{id}
WRONG_VALUE = 400  # D, I
TYPE_CHANGED = 400  # I: of a container's property
UNKNOWN_SCHEMA = 400  # I: a space, container or property that does not exist
TOO_LARGE = 413  # D
UNKNOWN_ENCODING = 415  # I: a Content-Encoding that is not gzip
TOO_MANY = 429  # D
RETRY_PARALLEL_AFTER = 1.0  # I: seconds
NO_ACCESS_TO_PROJECT = 401  # S

CAPABILITIES = (
    {"streamsAcl": {"actions": ["READ", "CREATE", "DELETE"], "scope": {"all": {}}}},
    {"streamRecordsAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}},
    {"dataModelsAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}},
)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # D
FEDERATED_AUDIENCE = "api://AzureADTokenExchange"  # D: Entra ID's, of federated tokens
MAX_ASSERTION_LIFETIME = 86_400  # I: seconds
