"""A Tidegate to be measured: its PostgreSQL alone, and its services on it, in one directory on loopback ports.

With RabbitMQ on the machine every service is a process of its own; without, all of them are one process.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

from services.entry.data_directory import secrets_of
from services.entry.embedded_postgres import OPTIONS, binaries
from services.entry.postgres_server import PostgresServer
from shared.storage.migrate import migrate_shared, prepare_cluster
from tests.real.ports import free_port
from tests.real.rabbitmq import SERVER, private_rabbitmq

DATABASE = "tidegate"
SERVICES = ("poller", "importer", "notifier", "dropserver", "api")
UP_SECONDS = 90.0
DOWN_SECONDS = 60.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running PostgreSQL with Tidegate's database."""

    superuser_dsn: str
    service_url: str
    watch_url: str
    owner_url: str


@dataclass(frozen=True, slots=True)
class System:
    """Running services."""

    superuser_dsn: str
    api_url: str
    operator_key: str
    pids: Mapping[str, int]
    how: str
    directory: Path
    environment: Mapping[str, str]
    """Of further processes; empty where all is one."""

    @property
    def importer_pid(self) -> int:
        """The process that imports."""
        return self.pids["importer"]

    @contextmanager
    def importers(self, count: int, *, workers: int) -> Iterator[None]:
        """So many importers besides, each with so many runs at a time, while inside."""
        with ExitStack() as stack:
            for number in range(count):
                port = free_port()
                own = {"TIDEGATE_WORKERS": str(workers), "TIDEGATE_HEALTH_PORT": str(port)}
                log = self.directory / f"importer-{number}.log"
                command = [sys.executable, "-m", "services.importer"]
                child = stack.enter_context(_process(command, log, {**self.environment, **own}))
                _wait_for(lambda port=port: _is_ready(f"http://127.0.0.1:{port}") or None, child)  # type: ignore[misc]
            yield


@contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """PostgreSQL as the all in one runs it, with the shared schema, stopped at the end; the data stays."""
    server = PostgresServer(binaries(), directory / "postgres", OPTIONS)
    server.start()
    try:
        known = secrets_of(directory)

        def url(role: str) -> str:
            return f"postgresql://tidegate_{role}:{known[role]}@127.0.0.1:{server.port}/{DATABASE}"

        found = Cluster(server.superuser_dsn(DATABASE), url("service"), url("watch"), url("owner"))
        asyncio.run(_migrate(server.superuser_dsn(), found))
        yield found
    finally:
        server.stop()


@contextmanager
def services(
    directory: Path, *names: str, instead: Mapping[str, str] | None = None, **variables: str
) -> Iterator[System]:
    """The services up while inside, on the directory's PostgreSQL; of these names, where each can be a process.

    `instead`: by the service's name a module that is given that of the service, and runs it.
    """
    if SERVER.exists():
        up = _processes(directory, names or SERVICES, variables, instead or {})
    else:
        up = _one_process(directory)
    with up as system:
        yield system


@contextmanager
def _one_process(directory: Path) -> Iterator[System]:
    command = [sys.executable, "-m", "services.entry", "up", "--data-dir", str(directory)]
    (directory / "access.json").unlink(missing_ok=True)
    ports = ["--api-port", "0", "--sftp-port", "0", "--webdav-port", "0"]
    with _process([*command, *ports], directory / "up.log", {}) as child:
        access = _wait_for(lambda: _read(directory / "access.json"), child)
        password = (directory / "postgres" / "password").read_text().strip()
        port = (directory / "postgres" / "port").read_text().strip()
        dsn = f"postgresql://postgres:{password}@127.0.0.1:{port}/{DATABASE}"
        how = "all in one process, because this machine has no RabbitMQ; memory is that of all services together"
        pids = dict.fromkeys(SERVICES, child.pid)
        yield System(dsn, access["api_url"], access["operator_key"], pids, how, directory, {})


@contextmanager
def _processes(
    directory: Path, names: Sequence[str], variables: Mapping[str, str], instead: Mapping[str, str]
) -> Iterator[System]:
    with ExitStack() as stack:
        database = stack.enter_context(cluster(directory))
        rabbit = stack.enter_context(private_rabbitmq())
        api_url = f"http://127.0.0.1:{(api_port := free_port())}"
        environment = _environment(directory, database, rabbit.url, api_port) | dict(variables)
        children = {
            name: stack.enter_context(
                _process(
                    [sys.executable, "-m", *filter(None, (instead.get(name),)), f"services.{name}"],
                    directory / f"{name}.log",
                    environment,
                )
            )
            for name in names
        }
        _wait_for(lambda: _is_ready(api_url) or None, children["api"])
        key = subprocess.run(
            [sys.executable, "-m", "services.entry", "key", "create", "operator", "--operator"],
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.strip()
        how = "a process a service, on RabbitMQ"
        pids = {name: child.pid for name, child in children.items()}
        yield System(database.superuser_dsn, api_url, key, pids, how, directory, environment)


def _environment(directory: Path, database: Cluster, bus_url: str, api_port: int) -> dict[str, str]:
    return {
        "TIDEGATE_DATABASE_URL": database.service_url,
        "TIDEGATE_WATCH_DATABASE_URL": database.watch_url,
        "TIDEGATE_DATABASE_CONNECTIONS": "6",
        "TIDEGATE_BUS_URL": bus_url,
        "TIDEGATE_MAIL_DIRECTORY": str(directory / "mail"),
        "TIDEGATE_SECRET_KEY": secrets_of(directory)["secret_key"],
        "TIDEGATE_DROP_DIRECTORY": str(directory / "drop"),
        "TIDEGATE_WORK_DIRECTORY": str(directory / "work"),
        "TIDEGATE_API_HOST": "127.0.0.1",
        "TIDEGATE_API_PORT": str(api_port),
        "TIDEGATE_HEALTH_HOST": "127.0.0.1",
        "TIDEGATE_HEALTH_PORT": "0",
        "TIDEGATE_SFTP_HOST": "127.0.0.1",
        "TIDEGATE_SFTP_PORT": str(free_port()),
        "TIDEGATE_PUBLIC_SFTP_HOST": "127.0.0.1",
        "TIDEGATE_ALLOWED_NETWORKS": "127.0.0.0/8",
        # A thousand connections are made by one key in a minute.
        "TIDEGATE_REQUESTS_PER_SECOND": "10000",
    }


async def _migrate(superuser_dsn: str, found: Cluster) -> None:
    roles = {"service_url": found.service_url, "watch_url": found.watch_url}
    await prepare_cluster(superuser_dsn, owner_url=found.owner_url, **roles)
    await migrate_shared(found.owner_url, **roles)


@contextmanager
def _process(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child with its output in a file; asked to stop at the end, and killed if it does not."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(DOWN_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(10)


def _read(path: Path) -> dict[str, str] | None:
    return json.loads(path.read_text()) if path.exists() else None


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _wait_for(find: Callable[[], T | None], child: subprocess.Popen[bytes]) -> T:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        found = find()
        if found is not None:
            return found
        if child.poll() is not None:
            raise RuntimeError(f"tidegate ended with status {child.returncode}; see the logs in its directory")
        time.sleep(0.2)
    raise RuntimeError(f"tidegate did not come up within {UP_SECONDS:.0f} seconds; see the logs in its directory")
