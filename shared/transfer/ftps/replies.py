"""Replies of an FTP server, and what may be said to it. Every reply is a stranger's; pure."""

import ftplib

from shared.domain.failures import PassiveAddressRefused
from shared.transfer.folder import escaped
from shared.transfer.ftps.listing import Entry, read_facts, read_time

_NOT_KNOWN = (500, 502, 504)
"""The server does not know the command, or not with this parameter (RFC 959)."""


class Garbled(Exception):
    """The server's answer is none of FTP's."""


class Refused(Exception):
    """The server answered a command with no. Its words are a stranger's: `said` is escaped and cut."""

    def __init__(self, reply: str) -> None:
        self.code = int(reply[:3])
        self.said = escaped(reply[:200].encode("latin-1"))
        super().__init__(self.said)

    @property
    def is_unknown(self) -> bool:
        """Whether the server does not know the command at all."""
        return self.code in _NOT_KNOWN


def wire(raw: bytes) -> str:
    """Bytes of a path or word for a command, as a text of latin-1. Raises ValueError for what would end the command."""
    if any(sign in raw for sign in b"\r\n\0"):
        raise ValueError("found a line break or a NUL, which FTP cannot say")
    return raw.decode("latin-1")


def facts(reply: str) -> Entry:
    """What MLST answers, in the second of its lines. Raises Garbled."""
    lines = reply.split("\n")
    try:
        return read_facts(lines[1].lstrip(" ").encode("latin-1"))
    except (IndexError, ValueError) as error:
        raise Garbled from error


def number(reply: str) -> int:
    """The number that SIZE answers. Raises Garbled."""
    digits = reply[3:].strip()
    if not (reply.startswith("213") and digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise Garbled
    return int(digits)


def moment(reply: str) -> float:
    """The time that MDTM answers, in seconds since 1970. Raises Garbled."""
    found = moment_or_none(reply)
    if found is None:
        raise Garbled
    return found


def moment_or_none(reply: str) -> float | None:
    """The same; None for what is no time. Raises Garbled for what answers another question."""
    if not reply.startswith("213"):
        raise Garbled
    try:
        return read_time(reply[3:].strip().encode("latin-1"))
    except ValueError:
        return None


def directory(reply: str) -> str:
    """The path that PWD answers, fit for commands. Raises Garbled."""
    try:
        found = wire(ftplib.parse257(reply).encode("latin-1"))  # noqa: S321 # reads an answer that came by TLS
    except (ftplib.Error, ValueError) as error:
        raise Garbled from error
    if not found.startswith("/"):
        raise Garbled
    return found


def extended_port(reply: str) -> int:
    """The port that EPSV answers. Raises Garbled."""
    try:
        return _checked(ftplib.parse229(reply, ("", 0))[1])  # noqa: S321 # reads an answer that came by TLS
    except (ftplib.Error, ValueError, IndexError) as error:
        raise Garbled from error


def passive_port(reply: str, address: str) -> int:
    """The port that PASV answers. Raises Garbled, and PassiveAddressRefused for another address than that one."""
    try:
        told, port = ftplib.parse227(reply)  # noqa: S321 # reads an answer that came by TLS
    except (ftplib.Error, ValueError) as error:
        raise Garbled from error
    if told != address:
        raise PassiveAddressRefused("The address in its answer to PASV is not the one that was connected to.")
    return _checked(port)


def _checked(port: int) -> int:
    if not 1 <= port <= 65_535:
        raise Garbled
    return port
