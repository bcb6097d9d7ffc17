"""A TCP proxy of the tests' own: between a service and its server, to cut, silence and slow down what passes.

It runs in a thread with a loop of its own, so that a test may block and the proxy goes on. With several upstreams it
takes the next one that answers, as a load balancer does. It knows nothing of what passes but the bytes that a fault
was told to wait for.
"""

import asyncio
import ctypes
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from tests.real.ports import free_port

CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0
CALL_SECONDS = 30.0
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27


class Action(Enum):
    """What happens when a fault strikes."""

    CUT = auto()
    """Both sides are reset; the chunk that struck is not passed on."""
    CUT_BEFORE_ANSWER = auto()
    """The chunk is passed on; the server's next bytes are kept and both sides are reset."""
    BLACK_HOLE = auto()
    """Nothing passes any more and nothing is acknowledged, on no layer: as if the cable had been pulled."""


@dataclass(slots=True)
class Fault:
    """Strikes once, on the first connection that has sent these byte patterns to the server one after another."""

    patterns: Sequence[bytes]
    action: Action
    after_bytes: int = 0
    """So many more bytes after the last pattern; after the connection's first where there is none."""
    struck: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class _Watch:
    """How far one connection has come towards a fault."""

    fault: Fault
    left: list[bytes] = field(default_factory=list)
    tail: bytes = b""
    bytes_to_go: int = 0

    def sees(self, chunk: bytes) -> bool:
        """Whether the fault strikes with this chunk."""
        text = self.tail + chunk
        while self.left:
            place = text.find(self.left[0])
            if place < 0:
                self.tail = text[-(len(self.left[0]) - 1) :] if len(self.left[0]) > 1 else b""
                return False
            text = text[place + len(self.left.pop(0)) :]
            if not self.left:
                self.bytes_to_go = self.fault.after_bytes
        self.tail = b""
        self.bytes_to_go -= len(text)
        return self.bytes_to_go <= 0


@dataclass(slots=True, eq=False)
class _Pair:
    """A client's connection and ours to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    watch: _Watch | None = None
    keeps_answer: bool = False
    is_dead: bool = False

    def abort(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()

    def swallow(self) -> None:
        """Let no packet of either side reach a socket, not even to be acknowledged."""
        self.is_dead = True
        for writer in (self.client, self.server):
            _drop_packets(writer.get_extra_info("socket"))


class TcpProxy:
    """Made by `proxy_to`. All methods may be called from any thread."""

    def __init__(self, upstreams: Sequence[tuple[str, int]]) -> None:
        self.greeting_delay_seconds = 0.0
        """How long the first bytes of each new connection's server are kept back."""
        self.bytes_to_server = 0
        """How many have been passed on, of all connections."""
        self._upstreams = list(upstreams)
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        # Not one of the system's choice: while nobody listens there, an outgoing connection might be given it.
        self._listener = socket.create_server(("127.0.0.1", free_port()), backlog=256)
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: Fault | None = None
        self.port = int(self._listener.getsockname()[1])

    def arm(self, fault: Fault) -> Fault:
        """Wait for a fault's moment on all connections, those that are open too. One fault at a time."""

        def do() -> None:
            self._fault = fault
            for pair in self._pairs:
                pair.watch = self._watch()

        self._do(do)
        return fault

    def cut_all(self) -> None:
        """Reset every connection; new ones are taken."""
        self._do(self._abort_all)

    def refuse(self) -> None:
        """Reset every connection and take no new one, as a machine without the server does."""

        async def do() -> None:
            await self._stop_listening()
            self._abort_all()

        self._await(do())

    def black_hole(self) -> None:
        """Swallow every packet of every connection, and of those that are tried from now on."""

        def do() -> None:
            _drop_packets(self._listener)
            for pair in self._pairs:
                pair.swallow()

        self._do(do)

    def heal(self) -> None:
        """Take new connections again. Swallowed ones stay swallowed."""

        async def do() -> None:
            if self._server is None:
                self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
                await self._listen()
            else:
                _pass_packets(self._listener)

        self._await(do())

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._pairs)

    def _start(self) -> None:
        self._thread.start()
        self._await(self._listen())

    def _stop(self) -> None:
        async def do() -> None:
            await self._stop_listening()
            self._abort_all()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._await(do())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, sock=self._listener)

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        upstream = None
        try:
            upstream = await self._connect()
        finally:
            if upstream is None:
                writer.transport.abort()
        if upstream is None:
            return
        pair = _Pair(writer, upstream[1], self._watch())
        self._pairs.add(pair)
        try:
            with suppress(OSError):  # one side has gone: the other one hears of it below
                await asyncio.gather(self._to_server(reader, pair), self._to_client(upstream[0], pair))
        finally:
            self._pairs.discard(pair)
            pair.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._upstreams:
            host, port = self._upstreams[self._turn % len(self._upstreams)]
            self._turn += 1
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(host, port)
            except (OSError, TimeoutError):
                continue
        return None

    async def _to_server(self, reader: asyncio.StreamReader, pair: _Pair) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if pair.is_dead:
                continue
            if pair.watch is not None and pair.watch.sees(chunk):
                self._strike(pair)
                if not pair.keeps_answer:
                    continue
            pair.server.write(chunk)
            self.bytes_to_server += len(chunk)
            await pair.server.drain()
        raise ConnectionResetError

    async def _to_client(self, reader: asyncio.StreamReader, pair: _Pair) -> None:
        delay_seconds = self.greeting_delay_seconds
        while chunk := await reader.read(CHUNK_BYTES):
            if delay_seconds:
                await asyncio.sleep(delay_seconds)
                delay_seconds = 0.0
            if pair.is_dead:
                continue
            if pair.keeps_answer:
                raise ConnectionResetError
            pair.client.write(chunk)
            await pair.client.drain()
        raise ConnectionResetError

    def _strike(self, pair: _Pair) -> None:
        assert pair.watch is not None
        fault, self._fault = pair.watch.fault, None
        for each in self._pairs:
            each.watch = None
        if fault.action is Action.CUT_BEFORE_ANSWER:
            pair.keeps_answer = True
        elif fault.action is Action.BLACK_HOLE:
            pair.swallow()
        else:
            pair.is_dead = True
            pair.abort()
        fault.struck.set()

    def _watch(self) -> _Watch | None:
        fault = self._fault
        return None if fault is None else _Watch(fault, list(fault.patterns), bytes_to_go=fault.after_bytes)

    def _abort_all(self) -> None:
        for pair in list(self._pairs):
            pair.abort()

    def _do(self, work: Callable[[], None]) -> None:
        async def do() -> None:
            work()

        self._await(do())

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)


@contextmanager
def proxy_to(*ports: int) -> Iterator[TcpProxy]:
    """A proxy to servers on these loopback ports while inside."""
    proxy = TcpProxy([("127.0.0.1", port) for port in ports])
    proxy._start()
    try:
        yield proxy
    finally:
        proxy._stop()


def through(url: str, proxy: TcpProxy) -> str:
    """The same URL, by way of the proxy."""
    before, _, rest = url.rpartition("@")
    _, slash, path = rest.partition("/")
    return f"{before}@127.0.0.1:{proxy.port}{slash}{path}"


def _drop_packets(connection: Any) -> None:
    """Have the kernel drop what comes for a socket before TCP sees it: the classic BPF program `ret 0` (socket(7))."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def _pass_packets(connection: Any) -> None:
    connection.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, struct.pack("i", 0))
