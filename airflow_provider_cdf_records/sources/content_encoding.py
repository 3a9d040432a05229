"""Undoes how a web server encoded a file for its way here (HTTP's ``Content-Encoding``)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import IO, Any

DECODED_AT_ONCE = 1 << 18  # bytes
UNENCODED = ("", "identity")


def _gunzip() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


ENCODINGS: dict[str, Callable[[], Any] | None] = {
    **dict.fromkeys(UNENCODED),
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": zlib.decompressobj,
}


class Decoder:
    """Decodes the content of an answer piece by piece.

    :param encoding: one of ``ENCODINGS``.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._new_stream = ENCODINGS[encoding]
        self._stream: Any = None

    def write(self, data: bytes, file: IO[bytes]) -> None:
        """Write data to a file, decoded.

        :raises OSError: when it is damaged.
        """
        if self._new_stream is None:
            file.write(data)
            return
        try:
            while data:
                self._stream = self._stream or self._new_stream()
                file.write(self._stream.decompress(data, DECODED_AT_ONCE))
                data = self._stream.unconsumed_tail
                if self._stream.eof:
                    data, self._stream = self._stream.unused_data, None
        except zlib.error as error:
            msg = f"what it sent in the content encoding {self._encoding} is damaged: {error}"
            raise OSError(msg) from None

    def check_end(self) -> None:
        """Refuse an answer that ends before its content does.

        :raises OSError: then.
        """
        if self._stream is not None:
            msg = f"what it sent in the content encoding {self._encoding} ends before its end mark"
            raise OSError(msg)
