"""What is known of CDF, in numbers and names.

D: documented publicly. S: seen in the official Python SDK. I: inferred, and so easy to change here.
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
RETAINED_AFTER_SOFT_DELETE = "42d"  # I: D says "weeks"
STREAM_LIMITS = {"maxRecordsTotal": 10_000_000, "maxGigaBytesTotal": 50}  # I: they depend on the template

ACCEPTED = 202  # I: D says any 2xx
UPSERT_ON_IMMUTABLE = 422  # D, S
TWICE_IN_REQUEST = 422  # S, I
INGEST_EXISTS = 409  # D, S
WRONG_VALUE = 400  # D, I
UNKNOWN_SCHEMA = 400  # I: a space, container or property that is not there
TOO_LARGE = 413  # D
NO_ACCESS_TO_PROJECT = 403  # I

CAPABILITIES = (
    {"streamsAcl": {"actions": ["READ", "CREATE", "DELETE"], "scope": {"all": {}}}},
    {"streamRecordsAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}},
    {"dataModelsAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}},
)
