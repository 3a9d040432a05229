"""What is known about CDF, as numbers and names.

D: documented publicly. S: seen in the official SDKs. I: inferred, and easy to change here.
``FIDELITY.md`` says more about each inferred one.
"""

from __future__ import annotations

MAX_ITEMS = 1000  # D: records of one request
MAX_REQUEST_BYTES = 10_000_000  # D, I: of uncompressed JSON
MAX_SOURCES = 100  # S: sources of one record
MAX_EXTERNAL_ID = 256  # S: characters
MAX_TEXT_BYTES = 128_000  # D
MAX_JSON_BYTES = 40_960  # D
MAX_LIST, MAX_DIRECT_LIST = 1000, 100  # D, S
MAX_LIMIT, DEFAULT_LIMIT = 1000, 10  # D: of filter and sync
MAX_SORT = 5  # S
MAX_FILTER_DEPTH = 20  # I
MAX_AGGREGATES, MAX_AGGREGATE_DEPTH = 5, 5  # D: on one level; levels
DEFAULT_UNIQUE_VALUES, MAX_UNIQUE_VALUES = 10, 2000  # D: buckets answered
MAX_FILTER_BUCKETS = 10  # D
MAX_BUCKETS = 10_000  # I: of one histogram

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
TEMPLATES = {"BasicLiveData": MUTABLE, "BasicArchive": IMMUTABLE, "ImmutableTestStream": IMMUTABLE}  # D
RETAINED_AFTER_SOFT_DELETE = "P42D"  # D
DEFAULT_TEMPLATE = "BasicLiveData"  # our choice, where no template is named
DATA_DELETED_AFTER, MAX_FILTERING_INTERVAL = "P1Y", "P1Y"  # D: of immutable streams, in the examples
STREAM_RECORDS, STREAM_GIGABYTES = 10_000_000, 50.0  # I: they depend on the template and the project

ACCEPTED = 202  # I: D says any 2xx
UPSERT_ON_IMMUTABLE = 422  # D, S
TWICE_IN_REQUEST = 422  # S, I
INGEST_EXISTS = 409  # D, S
STREAM_EXISTS = 409  # I: also while its id stays reserved
STREAM_FULL = 422  # I
ENDPOINT_REMOVED = 410  # D: DELETE /streams/{id}
WRONG_VALUE = 400  # D, I
TYPE_CHANGED = 400  # I: of a container's property
UNKNOWN_SCHEMA = 400  # I: a space, container or property that does not exist
TOO_LARGE = 413  # D
UNKNOWN_ENCODING = 415  # I: a Content-Encoding that is not gzip
TOO_MANY = 429  # D
RETRY_PARALLEL_AFTER = 1.0  # I: seconds
NO_ACCESS_TO_PROJECT = 403  # I

CAPABILITIES = (
    {"streamsAcl": {"actions": ["READ", "CREATE", "DELETE"], "scope": {"all": {}}}},
    {"streamRecordsAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}},
    {"dataModelsAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}},
)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # D
FEDERATED_AUDIENCE = "api://AzureADTokenExchange"  # D: Entra ID's, of federated tokens
MAX_ASSERTION_LIFETIME = 86_400  # I: seconds
