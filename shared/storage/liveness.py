"""Notice within half a minute that the other end of a connection has gone without a word, on either side.

A pulled cable, a firewall that forgets, a machine that lost its power: nobody resets the connection then, and
whoever waits for an answer, or holds a lock, would do so for as long as the longest statement may take.
"""

import socket
from typing import Any

IDLE_SECONDS = 5
INTERVAL_SECONDS = 5
PROBES = 4
SILENCE_SECONDS = IDLE_SECONDS + PROBES * INTERVAL_SECONDS

SERVER_SETTINGS = {
    "tcp_keepalives_idle": str(IDLE_SECONDS),
    "tcp_keepalives_interval": str(INTERVAL_SECONDS),
    "tcp_keepalives_count": str(PROBES),
    "tcp_user_timeout": str(SILENCE_SECONDS * 1000),
}
"""PostgreSQL's own side of it: a session whose client has gone gives its locks back."""

_OPTIONS = {
    "TCP_KEEPIDLE": IDLE_SECONDS,
    "TCP_KEEPINTVL": INTERVAL_SECONDS,
    "TCP_KEEPCNT": PROBES,
    "TCP_USER_TIMEOUT": SILENCE_SECONDS * 1000,
}


def watch(transport: Any) -> None:
    """Have the kernel end a transport whose peer is silent (tcp(7)); systems that lack an option do without it."""
    connection = transport.get_extra_info("socket")
    if connection.family == socket.AF_UNIX:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
