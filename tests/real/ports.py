"""Ports on the loopback interface that nobody listens on.

They lie below the range from which systems take the ports of outgoing connections, or one of these could take a port
between the moment when it was found free and the start of the server that it is for. Test processes that run side by
side look in parts of the range of their own, and none gives a port out twice before the part is used up.
"""

import itertools
import os
import random
import re
import socket
from collections.abc import Iterator

_LOWEST, _PARTS, _PART_SIZE = 10_000, 8, 2_750


def _ports() -> Iterator[int]:
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % _PARTS
    part = [*range(_LOWEST + worker * _PART_SIZE, _LOWEST + (worker + 1) * _PART_SIZE)]
    # Another suite may be running on this machine.
    start = random.randrange(_PART_SIZE)
    return itertools.cycle(part[start:] + part[:start])


_CANDIDATES = _ports()


def free_port() -> int:
    """A port that was free a moment ago. Raises RuntimeError where none of a thousand is."""
    for port in itertools.islice(_CANDIDATES, 1000):
        if is_free("127.0.0.1", port):
            return port
    raise RuntimeError("found no free port among a thousand on 127.0.0.1")


def is_free(host: str, port: int) -> bool:
    """Whether we may listen there, and nobody does."""
    with socket.socket() as one:
        # As servers do: what is merely in TIME_WAIT counts as free.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((host, port))
        except OSError:
            return False
    return True
