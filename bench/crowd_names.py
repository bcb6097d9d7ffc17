"""Run a service on a machine whose name server knows the crowd's servers, and is silent about one of them.

    python -m bench.crowd_names services.poller

The names are answered in the process, where the system's resolver would be asked: a silent name server holds the thread
that asks it for as long, and cannot be had on every machine. All other names go their way.
"""

import runpy
import socket
import sys
import time
from typing import Any

WELL_NAME = "well.crowd.example"
SILENT_NAME = "silent.crowd.example"
ADDRESS = "127.0.0.1"
SILENT_SECONDS = 20.0
"""Two servers, asked twice, five seconds each: what resolv.conf says where it says nothing."""


def main() -> None:
    """Become the module that is named."""
    look_up = socket.getaddrinfo

    def answer(host: Any, *arguments: Any, **named: Any) -> Any:
        if host == SILENT_NAME:
            time.sleep(SILENT_SECONDS)
            raise socket.gaierror(socket.EAI_AGAIN, "nobody answered")
        return look_up(ADDRESS if host == WELL_NAME else host, *arguments, **named)

    socket.getaddrinfo = answer
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
