"""What errors of storage say, whatever library they are from: the answer's status, and its words."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping

STATUSES = range(300, 600)  # of HTTP, which are no success
NO_ACCESS = (401, 403)
MISSING = (404, 410)
CLIENT_ERRORS = range(400, 500)
WORTH_A_RETRY = (408, 425, 429)  # of those
FINAL_ERRNOS = {errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EPERM, errno.EACCES, errno.EROFS}
FINAL_ERRNOS |= {errno.ENOTDIR, errno.EISDIR, errno.ENOSYS, errno.EOPNOTSUPP}
NO_ACCESS_NAMES = frozenset(  # classes of libraries that need not be installed
    {"PermissionDenied", "SFTPPermissionDenied", "SFTPWriteProtect", "HostKeyNotVerifiable"}
)
MISSING_NAMES = frozenset({"SFTPNoSuchFile", "SFTPNoSuchPath", "SFTPNotADirectory"})
FINAL_NAMES = frozenset(
    {
        "AzureSigningError",  # a key that is no key
        "HostKeyNotVerifiable",
        "InvalidRegionError",
        "KeyEncryptionError",
        "KeyImportError",
        "ParamValidationError",
        "ProfileNotFound",
        "SFTPFileIsADirectory",
        "SFTPInvalidFilename",
        "SFTPOpUnsupported",
    }
)
SECRETS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL), "***"),
    (re.compile(r"(?<=://)[^\s/?#@:]*:[^\s/?#@]*@"), "***@"),
    (
        re.compile(
            r"(?i)\b(sig|signature|accountkey|sharedaccesssignature|x-amz-(?:signature|credential|security-token)"
            r"|password|secret|[a-z_]*token)=[^\s&;'\",)]+"
        ),
        r"\1=***",
    ),
    (re.compile(r"(?i)(MAC signature found in the HTTP request|signature) '[^']*'"), r"\1 '***'"),
)
LONGEST = 300  # characters; some quote whole requests


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and those that it is raised from."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an error of any library holds."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):  # of botocore
        response = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    for name in ("status", "status_code", "code"):  # the last one is of gcsfs, and deprecated by aiohttp
        found = getattr(error, name, None)
        if isinstance(found, int):
            break
    else:
        found = response
    return found if isinstance(found, int) and found in STATUSES else None


def origin_of(error: BaseException) -> BaseException:
    """Return the error to tell of: itself, or the one that it hides.

    Libraries raise ``FileNotFoundError``, ``ValueError`` or ``RuntimeError`` of whatever failed.
    """
    cause = error.__cause__
    if cause is None:
        return error
    if isinstance(error, FileNotFoundError):
        hides = not is_missing(cause) and not isinstance(cause, LookupError)
    elif isinstance(error, ValueError):
        hides = status_of(cause) is not None or isinstance(cause, OSError)
    else:
        hides = isinstance(error, RuntimeError)
    return origin_of(cause) if hides else error


def is_no_access(error: BaseException) -> bool:
    """Whether the storage knows the file, but not the right to it."""
    return (
        isinstance(error, PermissionError)
        or status_of(error) in NO_ACCESS
        or type(error).__name__ in NO_ACCESS_NAMES
    )


def is_missing(error: BaseException) -> bool:
    """Whether the storage has nothing there."""
    if isinstance(error, FileNotFoundError | NotADirectoryError) or status_of(error) in MISSING:
        return True
    return type(error).__name__ in MISSING_NAMES


def is_final(error: BaseException) -> bool:
    """Whether the storage would say the same to another try."""
    status = status_of(error)
    if status is not None:
        return status in CLIENT_ERRORS and status not in WORTH_A_RETRY
    if isinstance(error, OSError) and error.errno in FINAL_ERRNOS:
        return True
    return isinstance(error, ImportError | NotImplementedError) or any(
        one.__name__ in FINAL_NAMES for one in type(error).__mro__
    )


def said_by(error: BaseException) -> str:
    """Return the words of an error in one line, with no secret in them."""
    text = str(error)
    code = getattr(error, "error_code", None)  # of Azure, whose text may quote the whole answer
    if isinstance(getattr(code, "value", code), str):
        first = text.partition("\n")[0].removeprefix("Operation returned an invalid status ").strip("'")
        text = f"{first} ({getattr(code, 'value', code)})"
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
