"""The body of a request that writes records, and the size that CDF allows."""

from __future__ import annotations

from airflow_provider_cdf_records.records.identifiers import InvalidRecordError

MAX_REQUEST_BYTES = 10_000_000  # of uncompressed JSON
REQUEST_START, REQUEST_END = b'{"items":[', b"]}"
MAX_RECORD_BYTES = MAX_REQUEST_BYTES - len(REQUEST_START) - len(REQUEST_END)


def request_body(bodies: list[bytes]) -> bytes:
    """Return ``{"items": [...]}`` for records of distinct identities."""
    if len(bodies) <= 1:
        return REQUEST_START + b"".join(bodies) + REQUEST_END
    return b",".join([REQUEST_START + bodies[0], *bodies[1:-1], bodies[-1] + REQUEST_END])


def check_size(body: bytes) -> None:
    """Refuse a record that is too large for any request.

    :raises InvalidRecordError: with its size.
    """
    if len(body) > MAX_RECORD_BYTES:
        msg = f"must be at most {MAX_RECORD_BYTES:,} bytes of JSON to fit into a request, got {len(body):,}"
        raise InvalidRecordError(msg)
