"""Packs request bodies by gzip, with the fastest library that there is."""

from __future__ import annotations

import gzip

try:  # its wheels are for Linux and for macOS on ARM
    from isal import isal_zlib
except ImportError:
    isal_zlib = None  # type: ignore[assignment]

LEVEL = 1  # of either library: JSON shrinks about tenfold, and hardly more at the levels that cost more
GZIP = 31  # as `wbits`: with the header and the checksum of gzip


def pack(body: bytes) -> bytes:
    """Return a body as gzip. Packs outside of Python's lock, so that other threads compute meanwhile."""
    if isal_zlib is None:
        return gzip.compress(body, LEVEL, mtime=0)
    packed: bytes = isal_zlib.compress(body, LEVEL, wbits=GZIP)
    return packed
