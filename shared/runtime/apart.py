"""Work on a file of hostile hands in a process of its own, which the system holds to limits of time, memory and disk.

A thread can be neither stopped nor measured; a process can, and what it breaks is only itself. It gets an order and
gives an answer, both as bytes, and nothing of the service's environment. Of what goes wrong in it the places in our
code are told and never a text: values of the file may stand in it.
"""

import asyncio
import errno
import os
import resource
import sys
import traceback
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

import structlog

from shared.domain.failures import DiskFull, InternalError, TooHardToRead

log = structlog.get_logger()

Apart = Callable[[str, bytes], Awaitable[bytes]]
"""Has a module's `carry_out` make an answer of an order. Raises TooHardToRead, DiskFull, InternalError."""

_TOO_HARD, _DISK_FULL = 75, 74
_FRAMES = 8
_TOLD_BYTES = 4096
_CHUNK_BYTES = 1 << 16
_CAUSES = 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one piece of work may take."""

    seconds: float = 120.0
    memory_bytes: int = 640 << 20
    file_bytes: int = 1 << 30
    """Of the largest file that it writes."""
    answer_bytes: int = 32 << 20


def apart(bounds: Bounds | None = None) -> Apart:
    """Processes within these bounds."""
    held_to = bounds or Bounds()

    async def work(module: str, order: bytes) -> bytes:
        return await _carried_out(module, order, held_to)

    return work


async def _carried_out(module: str, order: bytes, bounds: Bounds) -> bytes:
    limits = (bounds.memory_bytes, bounds.seconds, bounds.file_bytes)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, *(str(round(each)) for each in limits)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(bounds.seconds):
            answer, told = await _exchanged(process, order, bounds)
    except TimeoutError:
        raise TooHardToRead(f"It took more than {bounds.seconds:.0f} seconds.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if len(answer) > bounds.answer_bytes:
        raise TooHardToRead(f"More than {bounds.answer_bytes:,} bytes would be told of it.")
    # What ends it by a signal is the system, at a limit.
    if process.returncode == _TOO_HARD or (process.returncode or 0) < 0:
        raise TooHardToRead("It took more memory or disk than is given.")
    if process.returncode == _DISK_FULL:
        raise DiskFull
    if process.returncode != 0:
        where = told[-_TOLD_BYTES:].decode("ascii", "replace")
        log.error("apart.broke", module=module, exit_code=process.returncode, where=where)
        raise InternalError
    return answer


async def _exchanged(process: Process, order: bytes, bounds: Bounds) -> tuple[bytes, bytes]:
    """Answer and places, once the process has ended; of an answer beyond its bound a little more than that."""
    assert process.stdout is not None
    assert process.stderr is not None
    _, answer, told = await asyncio.gather(
        _send(process, order),
        _received(process, process.stdout, bounds.answer_bytes),
        _received(process, process.stderr, _TOLD_BYTES),
    )
    await process.wait()
    return answer, told


async def _send(process: Process, order: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(order)
    # One that ends before it has read its order says by its exit code why.
    with suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.drain()
    process.stdin.close()


async def _received(process: Process, stream: asyncio.StreamReader, most: int) -> bytes:
    """What the process says there; one that says more than so many bytes is ended."""
    said = bytearray()
    while len(said) <= most and (chunk := await stream.read(_CHUNK_BYTES)):
        said += chunk
    if len(said) > most and process.returncode is None:
        process.kill()
    return bytes(said)


def _environment() -> dict[str, str]:
    """Nothing of ours, which holds secrets; but the same code, wherever that came from."""
    path = os.pathsep.join(each for each in sys.path if each)
    return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "LC_ALL": "C.UTF-8", "POLARS_MAX_THREADS": "2"}


# In the process.


def serve(carry_out: Callable[[bytes], bytes]) -> None:
    """The life of such a process: held to the limits of its command line, it makes one answer of one order."""
    sys.excepthook = _telling(os.dup(2))
    # What libraries say there, of a panic for one, may hold values of the file.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    memory_bytes, seconds, file_bytes = map(int, sys.argv[1:4])
    _limit(resource.RLIMIT_DATA, memory_bytes)
    _limit(resource.RLIMIT_CPU, 2 * seconds)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    try:
        sys.stdout.buffer.write(carry_out(sys.stdin.buffer.read()))
    except OSError as error:
        codes = {errno.EFBIG: _TOO_HARD, errno.ENOMEM: _TOO_HARD, errno.ENOSPC: _DISK_FULL, errno.EDQUOT: _DISK_FULL}
        if error.errno not in codes:
            raise
        sys.exit(codes[error.errno])
    except BaseException as error:  # A panic of a library in Rust is no Exception.
        if not _ran_out_of_memory(error):
            raise
        sys.exit(_TOO_HARD)


def _ran_out_of_memory(error: BaseException) -> bool:
    """Whether that is why: libraries in Rust panic where Python raises MemoryError, and name it in their text."""
    seen: BaseException | None = error
    for _ in range(_CAUSES):
        if seen is None:
            return False
        if isinstance(seen, MemoryError):
            return True
        if type(seen).__name__ == "PanicException" and any(word in str(seen) for word in _NO_MEMORY):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


_NO_MEMORY = ("MemoryError", "Cannot allocate memory", "memory allocation")


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _telling(descriptor: int) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """What tells the places of an exception there, and nothing of its text."""

    def tell(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(trace)[-_FRAMES:]]
        os.write(descriptor, " ".join([kind.__name__, *places]).encode("ascii", "replace"))

    return tell
