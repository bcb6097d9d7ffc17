"""What a server's statuses mean for a file, and where it may send us: only to the same path's other spelling."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.domain.failures import (
    AccessDenied,
    DirectoryMissing,
    Failure,
    FileGone,
    FileLocked,
    PlaceFull,
    RedirectRefused,
    ServerFailed,
)
from shared.domain.names import cut, from_bytes, quoted

REDIRECTS = (301, 302, 303, 307, 308)
_SHOWN_CHARACTERS = 200


def failure_of(status: int, path: str, missing: type[FileGone] | type[DirectoryMissing]) -> Failure:
    """What a status means that is no success; `missing` is what it means that there is nothing."""
    match status:
        case 404 | 410:
            return missing(f"Looked for {quoted(path)}.")
        case 409:
            # RFC 4918: a directory above it is missing.
            return DirectoryMissing(f"Looked for the directory of {quoted(path)}.")
        case 403 | 405:
            return AccessDenied(f"At {quoted(path)} it answered {status}.")
        case 423:
            return FileLocked(f"At {quoted(path)}.")
        case 507:
            return PlaceFull(f"At {quoted(path)}.")
        case 413:
            return ServerFailed(f"At {quoted(path)} it answered 413: the file is larger than it takes.")
        case _:
            return ServerFailed(f"At {quoted(path)} it answered {status}.")


def refused_redirect(headers: Mapping[str, str]) -> RedirectRefused:
    """Where the server sends us, fit to be shown: what stands behind a question mark may be a secret."""
    try:
        parts = urlsplit(headers.get("location", ""))
    except ValueError:
        return RedirectRefused("It sends us to an address that is none.")
    address = parts._replace(query="", fragment="", netloc=parts.netloc.rpartition("@")[2]).geturl()
    return RedirectRefused(f"It sends us to {quoted(cut(from_bytes(address.encode()), _SHOWN_CHARACTERS))}.")


def is_other_spelling(headers: Mapping[str, str], authority: str, target: str) -> bool:
    """Whether a redirect leads to the same path of the same server, but for the slash at its end."""
    try:
        parts = urlsplit(headers.get("location", ""))
    except ValueError:
        return False
    is_here = parts.scheme.lower() in ("", "https") and parts.netloc.lower() in ("", authority.lower())
    is_plain = not parts.query and not parts.fragment
    return is_here and is_plain and parts.path != target and parts.path.rstrip("/") == target.rstrip("/")
