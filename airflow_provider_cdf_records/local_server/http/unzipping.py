"""Unpack gzip bodies: with ISA-L where it is there, and always with zlib's word on what is damaged."""

from __future__ import annotations

import zlib
from typing import Any

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError

isal_zlib: Any
try:
    from isal import isal_zlib
except ImportError:
    isal_zlib = None

GZIP_WINDOW = 16 + zlib.MAX_WBITS
FLAGS_AT, KNOWN_FLAGS = 3, 0b1  # of gzip's header; that it is text. ISA-L takes some others that zlib refuses


def unzip(packed: bytes | bytearray, most: int) -> bytes:
    """Return what a body holds.

    :raises ApiError: it is damaged, or more than ``most`` bytes.
    """
    unpacked = _unzip_quickly(packed, most)
    return _unzip_exactly(packed, most) if unpacked is None else unpacked


def too_large(most: int) -> ApiError:
    """Return the error for a body of more than ``most`` bytes."""
    return ApiError(facts.TOO_LARGE, f"body: more than {most:,} bytes of uncompressed JSON.")


def _unzip_quickly(packed: bytes | bytearray, most: int) -> bytes | None:
    """Return what a body holds; ``None`` where that cannot be told this way."""
    if isal_zlib is None or packed[FLAGS_AT : FLAGS_AT + 1] > bytes([KNOWN_FLAGS]):
        return None
    stream = isal_zlib.decompressobj(GZIP_WINDOW)
    try:
        unpacked = stream.decompress(packed, most + 1)
    except isal_zlib.error:
        return None
    return unpacked if stream.eof and len(unpacked) <= most else None


def _unzip_exactly(packed: bytes | bytearray, most: int) -> bytes:
    stream = zlib.decompressobj(GZIP_WINDOW)
    try:
        unpacked = stream.decompress(packed, most + 1)
    except zlib.error:
        raise ApiError(400, "body: not the gzip data that Content-Encoding says.") from None
    if len(unpacked) > most:
        raise too_large(most)
    if not stream.eof:
        raise ApiError(400, "body: gzip data that is cut short.")
    return unpacked
