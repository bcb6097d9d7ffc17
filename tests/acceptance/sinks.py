"""Everything that comes out of a system: answers, logs, metrics, mails, messages. Collected by name for a search."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aio_pika
import asyncpg
import httpx
from aio_pika.abc import AbstractIncomingMessage

from shared.bus.topology import EXCHANGE
from tests.acceptance.system import System

SERVICES = ("poller", "importer", "exporter", "notifier", "api", "dropserver")
_IDENTITY = re.compile(r"/([0-9a-f-]{36}|[0-9]+)(?=/|$)")


@dataclass
class Sinks:
    """Output by where it came out. A sink that is named here and empty is a search that proved nothing."""

    system: System
    chunks: dict[str, list[str]] = field(default_factory=dict)

    def take(self, sink: str, *texts: str) -> None:
        """Some more output."""
        self.chunks.setdefault(sink, []).extend(texts)

    async def listen(self, answer: httpx.Response) -> None:
        """An event hook: keep an answer of the gateway under its method and route."""
        await answer.aread()
        route = _IDENTITY.sub("/{id}", answer.request.url.path)
        status = "" if answer.is_success else " refused"
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.take(f"answer {answer.request.method} {route}{status}", headers, answer.text)

    async def collect(self) -> None:
        """What stands in files, in the database and in queues at the end."""
        for process in self.system.processes:
            self.take(f"log of {process.name}", process.log.read_text(errors="replace"))
        for file in sorted(self.system.mails.glob("**/*.eml")):
            # The address that a mail goes to stands in its head.
            head, _, body = file.read_text(errors="replace").partition("\n\n")
            self.take("head of a mail", head)
            self.take("body of a mail", body)
        await self._metrics()
        await self._outbox()
        await self._parked()

    async def _metrics(self) -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            for process in self.system.processes:
                if process.is_running and process.name in SERVICES:
                    answer = await client.get(process.url + "/metrics")
                    self.take(f"metrics of {process.name}", answer.raise_for_status().text)
                    self.take(
                        "probes", *[(await client.get(process.url + path)).text for path in ("/healthz", "/readyz")]
                    )

    async def _outbox(self) -> None:
        connection = await asyncpg.connect(self.system.place.superuser_dsn, timeout=10)
        try:
            rows = await connection.fetch("SELECT name, body::text FROM tidegate.outbox")
        finally:
            await connection.close(timeout=10)
        self.take("outbox", *[f"{row['name']} {row['body']}" for row in rows])

    async def _parked(self) -> None:
        async with await aio_pika.connect(self.system.place.bus_url) as connection:
            channel = await connection.channel()
            for service in ("poller", "importer", "exporter", "notifier"):
                for suffix in ("", ".parked"):
                    queue = await channel.get_queue(f"{self.system.prefix}tidegate.{service}{suffix}")
                    while message := await queue.get(fail=False):
                        self.take("parked message" if suffix else "message", _told(message))
                        await message.ack()


@asynccontextmanager
async def overheard(system: System, sinks: Sinks) -> AsyncIterator[None]:
    """While inside, every message that passes the exchange is kept."""
    async with await aio_pika.connect(system.place.bus_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(system.prefix + EXCHANGE)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")

        async def keep(message: AbstractIncomingMessage) -> None:
            sinks.take("message", _told(message))
            await message.ack()

        await queue.consume(keep)
        yield


def _told(message: AbstractIncomingMessage) -> str:
    headers: dict[str, Any] = dict(message.headers)
    return f"{message.routing_key} {json.dumps(headers, default=str)} {message.body.decode('utf-8', 'replace')}"
