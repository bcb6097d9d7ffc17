"""Cancellation that a library kept to itself.

Up to Python 3.11 `asyncio.wait_for` returns as if nothing had been asked when a task is cancelled in the very moment in
which what it waits for is done (mended in 3.12: CPython issue 86296). A loop that has lost its cancellation goes on for
ever, and a service that is told to stop does not. We wait with `asyncio.timeout`, which has no such moment (the linter
holds it); the drivers of RabbitMQ, SSH and SMTP do not. So who loops around them, or keeps what they opened, asks here.
"""

import asyncio


def heed_cancellation() -> None:
    """Raise CancelledError where this task was asked to end, also where a library did not pass it on."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
