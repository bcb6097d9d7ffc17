"""What is asked: a request's path and headers, read strictly. Pure.

A path is percent-decoded once, and then a name like any other: UTF-8, without control characters, `.` or `..`.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from services.dropserver.webdav.answers import NotDone
from shared.domain.names import checked_path

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_URL = re.compile(rb"(?:(https?)://([^/?#]*))?(/[^?#]*)", re.IGNORECASE)
_PART = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_SECONDS = re.compile(r"Second-(\d{1,10})", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What neither a user name nor a password may hold (RFC 7617, 2)."""
_MAX_USERNAME = 255
_QUERIED = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND"})
"""Where a query does no harm, which some clients put there against caches."""
_MAX_DATE = 64
_MAX_PATH = 8 * 1024
_MAX_HEADERS = 100
_MAX_HEADER_BYTES = 16 * 1024

Meant = TypeVar("Meant")


@dataclass(frozen=True, slots=True)
class Part:
    """What `Content-Range` says a body is (RFC 9110, 14.4): from where, how much, and of how much in all."""

    start: int
    size: int
    total: int

    @property
    def is_last(self) -> bool:
        """Whether the file is whole with it."""
        return self.start + self.size == self.total


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and a password as they were sent."""

    username: str
    password: str


class Asked:
    """A request without its body. Reading it raises NotDone, 400, for what cannot be meant."""

    def __init__(self, scope: Mapping[str, Any], hosts: Iterable[str] = ()) -> None:
        """`hosts`: by which the server goes beside what the header Host says."""
        self.method = str(scope["method"])
        self.raw_path: bytes = scope["raw_path"]
        if len(self.raw_path) > _MAX_PATH:
            raise NotDone(414, f"The path is too long: expected {_MAX_PATH} bytes at most.")
        sent = scope["headers"]
        if len(sent) > _MAX_HEADERS or sum(len(name) + len(value) for name, value in sent) > _MAX_HEADER_BYTES:
            raise NotDone(431, f"Expected at most {_MAX_HEADERS} headers with {_MAX_HEADER_BYTES} bytes.")
        self._headers: dict[bytes, list[bytes]] = {}
        for name, value in sent:
            self._headers.setdefault(name.lower(), []).append(value)
        self._hosts = tuple(hosts)
        if scope.get("query_string") and self.method not in _QUERIED:
            raise NotDone(400, "Found a question mark, which stands for nothing here; in a name it is %3F.")
        url = _URL.fullmatch(self.raw_path)
        if url is not None and url[1] is not None:
            # As some proxies send it on (RFC 9112, 3.2.2).
            self._require_own(url[2], 421)
            self.raw_path = url[3]

    def header(self, name: str) -> str | None:
        """A header that may come once."""
        found = self._headers.get(name.lower().encode(), [])
        if len(found) > 1:
            raise NotDone(400, f"Found {name} {len(found)} times, expected it once.")
        return found[0].decode("latin-1").strip() if found else None

    @property
    def path(self) -> str:
        """What it is about, relative to the login's directory; "" is that itself."""
        return path_of(self.raw_path)

    @property
    def says_collection(self) -> bool:
        """Whether the path ends with a slash, as those of directories do."""
        return self.raw_path.endswith(b"/")

    @property
    def login(self) -> Login | None:
        """By Basic authentication (RFC 7617); None where there is none that can be read."""
        scheme, _, encoded = (self.header("Authorization") or "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            raw = base64.b64decode(encoded.strip(), validate=True)
            username, colon, password = raw.decode("utf-8").partition(":")
        except ValueError:
            return None
        is_writable = len(username) <= _MAX_USERNAME and not _CONTROL.search(username + password)
        return Login(username, password) if colon and is_writable else None

    @property
    def authorities(self) -> frozenset[str]:
        """The hosts that this server goes by."""
        return frozenset(_authority(host) for host in (self.header("Host"), *self._hosts) if host)

    @property
    def destination(self) -> str:
        """Where to: a path of this server's. 502 for another's (RFC 4918, 9.8.5)."""
        sent = self.header("Destination")
        if sent is None:
            raise NotDone(400, "Expected a header Destination.")
        return self.here(sent)

    def here(self, address: str) -> str:
        """The path that an address of this server's means. Raises NotDone: 400, and 502 for another server's."""
        url = _URL.fullmatch(address.encode("latin-1", "replace"))
        if url is None:
            raise NotDone(400, "Expected an address or a path of this server.")
        if url[1] is not None:
            self._require_own(url[2], 502)
        return path_of(url[3])

    @property
    def overwrites(self) -> bool:
        """Whether what lies at the destination may be replaced."""
        return self._one_of("Overwrite", {"t": True, "f": False}, True)

    @property
    def depth(self) -> int | None:
        """0 or 1; None is without end, which is also meant where nothing is said."""
        return self._one_of("Depth", {"0": 0, "1": 1, "infinity": None}, None)

    @property
    def part(self) -> Part | None:
        """Which part of the file the body is, which may be all of it; None where nothing is said."""
        sent = self.header("Content-Range")
        if sent is None:
            return None
        found = _PART.fullmatch(sent)
        start, last, total = map(int, found.groups()) if found else (0, -1, 0)
        if not start <= last < total:
            raise NotDone(400, "Expected Content-Range as: bytes 300-999/1000, with the file's whole size.")
        return Part(start, last - start + 1, total)

    def require_one_length(self) -> None:
        """Raises NotDone, 400, where it says in two ways how long the body is: a proxy may have read the other one."""
        if self.header("Content-Length") is not None and self.header("Transfer-Encoding") is not None:
            raise NotDone(400, "Found Content-Length and Transfer-Encoding, expected one of them.")

    @property
    def has_body(self) -> bool:
        """Whether something comes behind the headers."""
        return self.header("Content-Length") not in (None, "0") or self.header("Transfer-Encoding") is not None

    @property
    def lock_seconds(self) -> int | None:
        """How long a lock is wished for; None where nothing is said, or for ever."""
        found = _SECONDS.match((self.header("Timeout") or "").split(",")[0].strip())
        return int(found[1]) if found else None

    def span(self, size: int) -> tuple[int, int] | None:
        """From where and up to where a file of that size is wanted; None: all. 416 where there is nothing of it.

        Several spans at once are not told apart: then all is given (RFC 9110, 14.2).
        """
        found = _RANGE.fullmatch(self.header("Range") or "")
        if found is None or not (found[1] or found[2]):
            return None
        if not found[1]:
            start, end = max(0, size - int(found[2])), size
        else:
            start, end = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
            if found[2] and int(found[2]) < start:
                return None
        if start >= end:
            raise NotDone(416, f"The file has {size} bytes.", {"Content-Range": f"bytes */{size}"})
        return start, end

    def moment(self, name: str) -> datetime | None:
        """A header that is a time; None where it is none."""
        sent = self.header(name)
        if not sent or len(sent) > _MAX_DATE:
            return None
        try:
            found = parsedate_to_datetime(sent)
        except (ValueError, OverflowError, IndexError, TypeError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def etags(self, name: str) -> list[str] | None:
        """The versions that a header lists, `*` for any; None where there is no such header."""
        sent = self.header(name)
        return None if sent is None else [each.strip() for each in sent.split(",")]

    def _require_own(self, host: bytes, status: int) -> None:
        if _authority(host.decode("latin-1")) not in self.authorities:
            raise NotDone(status, "Found an address on another server, expected one on this.")

    def _one_of(self, name: str, meanings: Mapping[str, Meant], unsaid: Meant) -> Meant:
        sent = self.header(name)
        if sent is None:
            return unsaid
        if sent.lower() not in meanings:
            raise NotDone(400, f"Expected in {name} one of {', '.join(meanings)}.")
        return meanings[sent.lower()]


def path_of(raw: bytes) -> str:
    """The path that an address means, relative to the login's directory. Raises NotDone, 400."""
    if not raw.startswith(b"/") or _BAD_ESCAPE.search(raw):
        raise NotDone(400, "Expected a path that begins with a slash, in which % stands before two hexadecimal digits.")
    parts = [unquote_to_bytes(part) for part in raw.split(b"/") if part]
    if any(b"/" in part for part in parts):
        raise NotDone(400, "The name is not allowed: found a slash in it.")
    try:
        return checked_path(b"/".join(parts).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NotDone(400, "The name is not valid UTF-8.") from error
    except ValueError as error:
        raise NotDone(400, f"The name is not allowed: {error}.") from error


def _authority(host: str) -> str:
    """A host and its port, comparable: by https and http the usual port may be left out."""
    return re.sub(r":(443|80)?\Z", "", host.rpartition("@")[2].lower())
