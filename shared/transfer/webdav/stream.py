"""The bytes under HTTP: a TLS connection to a judged address, as httpcore wants one.

What the server has to say is always waited for. So it is known of an idle connection whether the server has ended it,
and of an upload that does not get on whether it has been answered already. Deadlines are those of who asks (wire.py).
"""

import asyncio
import ssl
from typing import Any

import httpcore

_CHUNK_BYTES = 64 * 1024
_STALL_SECONDS = 0.5
"""How long an upload stands still until it is looked whether it was answered."""


class Stream(httpcore.AsyncNetworkStream):
    """A connection; `aclose` ends it at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ahead = self._look_ahead()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What the server sends next; nothing where it has ended the connection."""
        try:
            data = await asyncio.shield(self._ahead)
        except OSError as error:
            raise httpcore.ReadError("the connection was lost") from error
        if data:
            self._ahead = self._look_ahead()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send something. httpcore takes a WriteError for a reason to look whether there is an answer."""
        try:
            self._writer.write(buffer)
            while not await self._has_drained():
                if self._ahead.done():
                    raise httpcore.WriteError("the server has answered before it had everything")
        except OSError as error:
            raise httpcore.WriteError("the connection was lost") from error

    async def aclose(self) -> None:
        """End the connection, without a word: HTTP says itself where a message ends."""
        # What is read ahead ends with it, as if the server had done so.
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Part of httpcore's protocol, and never asked for: the stream is TLS from its first byte on."""
        raise RuntimeError("a stream that is TLS already was asked to become it")

    def get_extra_info(self, info: str) -> Any:
        """Of what httpcore asks: whether there is something to read, which on an idle connection is its end."""
        return self._ahead.done() if info == "is_readable" else None

    async def _has_drained(self) -> bool:
        try:
            async with asyncio.timeout(_STALL_SECONDS):
                await self._writer.drain()
        except TimeoutError:
            return False
        return True

    def _look_ahead(self) -> "asyncio.Task[bytes]":
        task = asyncio.create_task(self._reader.read(_CHUNK_BYTES))
        task.add_done_callback(_heard)
        return task


def _heard(task: "asyncio.Task[bytes]") -> None:
    """What befell it is told to who reads next, if anybody does."""
    if not task.cancelled():
        task.exception()
