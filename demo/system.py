"""Start Tidegate for the demonstration: all in one, or a process a service on PostgreSQL and RabbitMQ of our own.

Everything listens on free loopback ports, keeps its data in one directory, and is stopped by its process id.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.controller import Controller

from demo.mailbox import Mailbox, MailFolder

SERVICES = ("poller", "importer", "exporter", "notifier", "dropserver", "api")
UP_SECONDS = 180.0
"""Machines are busy now and then; what cannot come up ends before."""
_OWN_PARTNER = {"TIDEGATE_ALLOWED_NETWORKS": "127.0.0.1/32"}


@dataclass(frozen=True, slots=True)
class System:
    """A running Tidegate."""

    api_url: str
    operator_key: str
    mails: Mailbox
    how: str
    reaches_itself: bool = False
    """Whether it may be its own partner: its exporter reaches the address that it hands out, and is allowed to."""


@contextmanager
def all_in_one(directory: Path) -> Iterator[System]:
    """Every service in one process, with the database that comes with Tidegate."""
    data = directory / "data"
    command = [sys.executable, "-m", "services.entry", "up", "--data-dir", str(data), "--api-port", "0"]
    with process([*command, "--sftp-port", "0", "--webdav-port", "0"], directory / "up.log", _OWN_PARTNER) as child:
        access = _wait_for(lambda: _read(data / "access.json"), child)
        mails = MailFolder(data / "mail")
        yield System(access["api_url"], access["operator_key"], mails, "all in one", reaches_itself=True)


@contextmanager
def distributed(directory: Path) -> Iterator[System]:
    """One process a service, on RabbitMQ, with mails over SMTP."""
    # Imported here, because the all in one needs neither.
    from services.entry.embedded_postgres import OPTIONS, binaries
    from services.entry.postgres_server import PostgresServer
    from tests.real.rabbitmq import private_rabbitmq

    with ExitStack() as stack:
        postgres = PostgresServer(binaries(), directory / "postgres", OPTIONS)
        stack.callback(postgres.stop)
        postgres.start()
        rabbit = stack.enter_context(private_rabbitmq())
        mails = directory / "mail"
        smtp = stack.enter_context(_mail_catcher(mails))
        environment, api_port = _environment(directory, postgres, rabbit.url, smtp)
        _prepare(environment, postgres, directory)
        children = [
            stack.enter_context(
                process(
                    [sys.executable, "-m", "services.entry", "service", name], directory / f"{name}.log", environment
                )
            )
            for name in SERVICES
        ]
        url = f"http://127.0.0.1:{api_port}"
        _wait_for(lambda: _is_ready(url), children[-1])
        key = _tidegate(environment, "key", "create", "operator", "--operator")
        yield System(url, key, MailFolder(mails), "a process a service on RabbitMQ", reaches_itself=True)


@contextmanager
def process(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child with its output in a file; asked to stop at the end, and killed if it does not."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(40)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(10)


def _environment(directory: Path, postgres: Any, bus_url: str, smtp: str) -> tuple[dict[str, str], int]:
    from services.entry.data_directory import secrets_of
    from tests.real.ports import free_port

    known = secrets_of(directory)
    api_port, sftp_port = free_port(), free_port()

    def url(role: str) -> str:
        return f"postgresql://tidegate_{role}:{known[role]}@127.0.0.1:{postgres.port}/tidegate"

    return {
        "TIDEGATE_DATABASE_URL": url("service"),
        "TIDEGATE_WATCH_DATABASE_URL": url("watch"),
        "TIDEGATE_OWNER_DATABASE_URL": url("owner"),
        "TIDEGATE_DATABASE_CONNECTIONS": "6",
        "TIDEGATE_BUS_URL": bus_url,
        "TIDEGATE_SMTP_URL": smtp,
        "TIDEGATE_SMTP_NETWORKS": "127.0.0.1/32",
        "TIDEGATE_SECRET_KEY": known["secret_key"],
        "TIDEGATE_DROP_DIRECTORY": str(directory / "drop"),
        "TIDEGATE_WORK_DIRECTORY": str(directory / "work"),
        "TIDEGATE_API_HOST": "127.0.0.1",
        "TIDEGATE_API_PORT": str(api_port),
        "TIDEGATE_HEALTH_HOST": "127.0.0.1",
        "TIDEGATE_HEALTH_PORT": "0",
        "TIDEGATE_SFTP_HOST": "127.0.0.1",
        "TIDEGATE_SFTP_PORT": str(sftp_port),
        "TIDEGATE_PUBLIC_SFTP_HOST": "127.0.0.1",
        "TIDEGATE_LOG_FORMAT": "json",
        **_OWN_PARTNER,
    }, api_port


def _prepare(environment: dict[str, str], postgres: Any, directory: Path) -> None:
    import asyncio

    from shared.storage.migrate import prepare_cluster

    urls = {
        "owner_url": environment["TIDEGATE_OWNER_DATABASE_URL"],
        "service_url": environment["TIDEGATE_DATABASE_URL"],
        "watch_url": environment["TIDEGATE_WATCH_DATABASE_URL"],
    }
    asyncio.run(prepare_cluster(postgres.superuser_dsn(), **urls))
    _tidegate(environment, "migrate")


def _tidegate(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "services.entry", *words]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=UP_SECONDS
    )
    if done.returncode != 0:
        raise RuntimeError(f"tidegate {words[0]} failed: {done.stderr[-2000:]}")
    return done.stdout.strip()


class _Catcher:
    """Writes every mail that comes into a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        name = BytesParser(policy=default).parsebytes(envelope.content)["Message-ID"].strip("<>").split("@")[0]
        (self._directory / f"{name}.eml").write_bytes(envelope.content)
        return "250 OK"


@contextmanager
def _mail_catcher(directory: Path) -> Iterator[str]:
    from tests.real.ports import free_port

    controller = Controller(_Catcher(directory), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.exists() else None


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _wait_for(find: Any, child: subprocess.Popen[bytes]) -> Any:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        found = find()
        if found:
            return found
        if child.poll() is not None:
            raise RuntimeError(f"tidegate ended with status {child.returncode}; see its log")
        time.sleep(0.2)
    raise RuntimeError(f"tidegate did not come up within {UP_SECONDS:.0f} seconds; see its log")
