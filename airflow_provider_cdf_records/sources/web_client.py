"""Asks a web server for a file, whatever habits the server has."""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import IO, Any, NamedTuple, TypeVar

from airflow_provider_cdf_records.records.errors import StorageError
from airflow_provider_cdf_records.sources.content_encoding import (
    DECODED_AT_ONCE,
    ENCODINGS,
    UNENCODED,
    Decoder,
)
from airflow_provider_cdf_records.sources.storage import shown_url, state_in

log = logging.getLogger(__name__)

T = TypeVar("T")

SILENCE = 60  # seconds without a byte that end a request
CONNECT_WITHIN = 30  # seconds
NEEDS_NO_ENCODING = re.compile(r"[\w.~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
AS_STORED = {"Accept-Encoding": "identity"}
TOLD = ("ETag", "Last-Modified")
OK, NOT_FOUND, GONE, PART_OF_FILE, NO_SUCH_PART = 200, 404, 410, 206, 416
ERRORS = 400  # and above

Answering = AbstractAsyncContextManager[Any]


class WebServerError(OSError):
    """An answer that is no file, or no answer.

    :param status: the HTTP status, where there is one that says what is wrong.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Details(dict[str, Any]):
    """What a server tells of a file, named as fsspec does."""

    @property
    def st_size(self) -> int:
        """Its size in bytes; 0 where that is not known."""
        return int(self.get("size", 0))


class Part(NamedTuple):
    """A part of a file, and what the server told of the whole."""

    content: bytes
    details: Details


class Copy(NamedTuple):
    """A copy of a whole file on a local disk."""

    file: IO[bytes]
    details: Details


class WebClient:
    """Asks for one file; each call waits for the answer.

    Each raises ``FileNotFoundError`` when the server has no such file, and :class:`WebServerError` for any
    other failure, such as a connection that is cut. These name neither the URL nor where it leads to, since
    both may hold secrets.

    :param file_system: fsspec's, whose options the requests have.
    """

    def __init__(self, url: str, file_system: Any) -> None:
        yarl = import_module("yarl")  # of aiohttp, by which fsspec reads from the web
        self._text = url
        self._url = yarl.URL(url, encoded=bool(NEEDS_NO_ENCODING.fullmatch(url)))
        self._shown = shown_url(url)
        self._file_system = _reading_as_sent(file_system)

    def first(self, size: int) -> Part | Copy:
        """Return the first part of the file, of at most a size.

        All of it from a server without parts, or one that tells no version that all parts are of.
        """
        return self._wait_for(self._first(size))

    def part(self, start: int, size: int) -> Part | None:
        """Return another part; ``None`` where the file has no such part any more."""
        return self._wait_for(self._part(start, size))

    def details(self) -> Details:
        """Return what the server tells of the file now."""
        return self._wait_for(self._details())

    async def _first(self, size: int) -> Part | Copy:
        async with await self._ask(0, size) as answer:
            if answer.status != NO_SUCH_PART:  # of which an empty file has none
                self._check(answer, (OK, PART_OF_FILE))
                if answer.status == OK:
                    return await self._copy(answer)
                part = await self._part_in(answer, 0, size)
                if part is not None and _is_whole_or_has_version(part):
                    return part
        async with await self._ask() as answer:
            self._check(answer, (OK,))
            return await self._copy(answer)

    async def _part(self, start: int, size: int) -> Part | None:
        async with await self._ask(start, size) as answer:
            if answer.status == NO_SUCH_PART:
                return None
            self._check(answer, (OK, PART_OF_FILE))
            part = await self._part_in(answer, start, size)
            return part or Part(b"", _details_in(answer))

    async def _details(self) -> Details:
        async with await self._ask(0, 1) as answer:
            self._check(answer, (OK, PART_OF_FILE))
            return _details_in(answer)

    async def _ask(self, start: int = 0, size: int | None = None) -> Answering:
        options = dict(self._file_system.kwargs)
        headers = {**options.pop("headers", {}), **AS_STORED}
        if size is not None:
            headers["Range"] = f"bytes={start}-{start + size - 1}"
        session = await self._file_system.set_session()
        answering: Answering = session.get(self._url, headers=headers, **options)
        return answering

    def _check(self, answer: Any, expected: tuple[int, ...]) -> None:
        if answer.status in (NOT_FOUND, GONE):
            raise FileNotFoundError(self._shown)
        if answer.status not in expected:
            raise WebServerError(f"{answer.status} {answer.reason}", answer.status)

    async def _part_in(self, answer: Any, start: int, most: int) -> Part | None:
        """Return the part of a file that an answer holds; ``None`` where it is not what was asked for."""
        found = RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if found is None or _encoding_of(answer) not in UNENCODED:
            return None
        size = int(found[2]) + 1 - start
        if int(found[1]) != start or size > most:
            return None
        content = await answer.read()
        _check_size(len(content), size)
        return Part(content, _details_in(answer, size=int(found[3])))

    async def _copy(self, answer: Any) -> Copy:
        """Return a copy of a whole answer, as it was before the server encoded it for its way here."""
        encoding = _encoding_of(answer)
        if encoding not in ENCODINGS:
            msg = (
                f"{self._shown} cannot be read: the server answers in the content encoding {encoding}, and "
                "was asked for none. Have it answer without, or with gzip."
            )
            raise StorageError(msg, retryable=False)
        length = answer.headers.get("Content-Length")
        if length is None and answer.headers.get("Transfer-Encoding", "").lower() != "chunked":
            log.warning(
                "%s: the server neither tells the length of its answer nor marks its end, so that one that "
                "is cut short cannot be told from a whole one.",
                self._shown,
            )
        decoder = Decoder(encoding)
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed when nothing refers to it any more)
        received = 0
        async for data in answer.content.iter_chunked(DECODED_AT_ONCE):
            received += len(data)
            decoder.write(data, file)
        if length is not None:
            _check_size(received, int(length))
        decoder.check_end()
        file.flush()
        return Copy(file, _details_in(answer, size=file.tell()))

    def _wait_for(self, call: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(call, self._file_system.loop)
        try:
            return future.result()
        except Exception as error:
            failure = self._without_secrets(error)
        except BaseException:  # of a signal
            future.cancel()
            raise
        raise failure  # outside of the handler: the other one's text and traceback show the URL

    def _without_secrets(self, error: Exception) -> Exception:
        if isinstance(error, StorageError | FileNotFoundError | WebServerError):
            return error.with_traceback(None)
        kind = type(error).__name__
        status = getattr(error, "status", None)
        if isinstance(status, int) and status >= ERRORS:
            return WebServerError(f"{status} {getattr(error, 'message', '')}", status)
        if isinstance(error, ValueError) or "URL" in kind.upper():  # whose text is the URL, or one led to
            msg = f"{self._shown} cannot be read: it is, or leads to, no URL that can be asked for ({kind})."
            return StorageError(msg, retryable=False)
        if hasattr(error, "request_info"):  # its text names the URL that was led to
            return WebServerError(kind)
        if isinstance(error, TimeoutError | asyncio.TimeoutError):
            return WebServerError(f"{kind}: the server was silent for {SILENCE} seconds")
        return WebServerError(f"{kind}: {error}".replace(self._text, self._shown).rstrip(": "))


def _is_whole_or_has_version(part: Part) -> bool:
    """Whether the other parts of the file can be told from those of one that is written meanwhile."""
    return len(part.content) == part.details.st_size or state_in(part.details).version is not None


def _check_size(received: int, expected: int) -> None:
    if received != expected:
        msg = f"the connection was cut: {received:,} of {expected:,} bytes came"
        raise WebServerError(msg)


def _encoding_of(answer: Any) -> str:
    encoding: str = answer.headers.get("Content-Encoding", "").strip().lower()
    return encoding


def _details_in(answer: Any, size: int | None = None) -> Details:
    """Return what an answer tells of the file.

    :param size: of the file that is read from this answer. Then the time that the answer itself was made is
        no version of the file.
    """
    headers = answer.headers
    details = Details({name: headers[name] for name in TOLD if headers.get(name)}, type="file")
    if size is not None:
        details["size"] = size
        if details.get("Last-Modified") == headers.get("Date"):
            details.pop("Last-Modified", None)
    return details


def _reading_as_sent(file_system: Any) -> Any:
    """Return a file system of the same options, whose session decodes nothing and bears slow servers."""
    timeout = import_module("aiohttp").ClientTimeout(
        total=None, sock_connect=CONNECT_WITHIN, sock_read=SILENCE
    )
    options = dict(file_system.storage_options)
    given = options.get("client_kwargs") or {}
    options["client_kwargs"] = {"timeout": timeout, "trust_env": True, **given, "auto_decompress": False}
    return type(file_system)(**options)
