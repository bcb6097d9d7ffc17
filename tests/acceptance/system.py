"""A distributed Tidegate for the tests: a database of its own, a part of the broker of its own, a process a service.

Times are short, so that what the sweeper and the leases do can be waited for. Nothing here knows what is imported.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from shared.storage.secrets import new_key
from shared.transfer.keys import make_private_key
from tests.acceptance.process import ServiceProcess
from tests.real.ports import free_port

LEASE_SECONDS = 3.0
SERVICES = ("api", "dropserver", "notifier", "poller")
"""What most tests share; importers and exporters are started by who wants them, with failpoints or without."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a system stands on."""

    database_url: str
    watch_database_url: str
    superuser_dsn: str
    bus_url: str
    directory: Path


@dataclass(slots=True)
class System:
    """Services as processes, all on one database and one prefix of the broker."""

    place: Place
    prefix: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}.")
    secret_key: str = field(default_factory=new_key)
    api_port: int = field(default_factory=free_port)
    sftp_port: int = field(default_factory=free_port)
    variables: dict[str, str] = field(default_factory=dict)
    """Further variables of every process, under their full names."""
    processes: list[ServiceProcess] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        """Where the gateway listens."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def mails(self) -> Path:
        """Where mails are put instead of being sent."""
        return self.place.directory / "mails"

    @property
    def host_key(self) -> Path:
        """The private host key of the hosted SFTP server, an operator's own."""
        path = self.place.directory / "host_key"
        if not path.exists():
            path.write_text(make_private_key())
        return path

    def start(self, *names: str, failpoints: str = "", **settings: object) -> list[ServiceProcess]:
        """Start services side by side and return them when all are ready. `settings` are TIDEGATE_ variables;
        None leaves one out.
        """
        started = [self._launch(name, failpoints, settings) for name in names]
        for each in started:
            each.await_ready()
        return started

    def start_one(self, name: str, failpoints: str = "", **settings: object) -> ServiceProcess:
        """Start one service."""
        return self.start(name, failpoints=failpoints, **settings)[0]

    def launch(self, name: str, failpoints: str = "", **settings: object) -> ServiceProcess:
        """Start one service that may die before it is ready."""
        return self._launch(name, failpoints, settings)

    def launch_migration(self, owner_url: str) -> ServiceProcess:
        """Start `tidegate migrate`, which ends by itself."""
        log = self.place.directory / "logs" / "migrate.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = self._environment(free_port(), "") | {"TIDEGATE_OWNER_DATABASE_URL": owner_url}
        process = ServiceProcess("migrate", ["services.entry", "migrate"], environment, log, "")
        self.processes.append(process)
        return process

    def command(self, *words: str) -> ServiceProcess:
        """Start the command `tidegate` with these words in the services' environment; it ends by itself."""
        log = self.place.directory / "logs" / f"{'-'.join(words)}-{secrets.token_hex(3)}.log"
        process = ServiceProcess("command", ["services.entry", *words], self._environment(free_port(), ""), log, "")
        self.processes.append(process)
        return process

    def running(self, name: str) -> list[ServiceProcess]:
        """The processes of a service that run."""
        return [each for each in self.processes if each.name == name and each.is_running]

    def ensure(self, name: str) -> ServiceProcess:
        """One running process of a service without failpoints, started where there is none."""
        return (self.running(name) or self.start(name))[0]

    def was_reached(self, failpoint: str) -> bool:
        """Whether an armed failpoint struck since `forget_failpoints`."""
        return (self.failpoints / failpoint).exists()

    def forget_failpoints(self) -> None:
        """Let failpoints strike again."""
        for each in self.failpoints.iterdir():
            each.unlink()

    def stop(self, *processes: ServiceProcess) -> None:
        """Stop these in good order."""
        running = [each for each in processes if each.is_running]
        for each in running:
            each.thaw()
            each.ask_to_stop()
        for each in running:
            each.await_end()

    def end(self) -> None:
        """End whatever still runs."""
        for each in self.processes:
            if each.is_running:
                each.kill()

    def logs(self) -> dict[str, str]:
        """The ends of all logs, by file name."""
        files = sorted((self.place.directory / "logs").glob("*.log"), key=lambda file: file.stat().st_mtime)
        return {file.name: file.read_text(errors="replace")[-4_000:] for file in files[-8:]}

    @property
    def failpoints(self) -> Path:
        """Where failpoints are armed, and say that they struck."""
        return self.place.directory / "failpoints"

    def _launch(self, name: str, failpoints: str, settings: dict[str, object]) -> ServiceProcess:
        logs = self.place.directory / "logs"
        for each in (logs, self.failpoints, self.mails):
            each.mkdir(parents=True, exist_ok=True)
        health_port = free_port()
        chosen = {f"TIDEGATE_{key.upper()}": value for key, value in settings.items()}
        environment = self._environment(health_port, failpoints) | {key: str(value) for key, value in chosen.items()}
        for key in [key for key, value in chosen.items() if value is None]:
            del environment[key]
        port = self.api_port if name == "api" else health_port
        log = logs / f"{name}-{secrets.token_hex(3)}.log"
        process = ServiceProcess(name, [f"services.{name}"], environment, log, f"http://127.0.0.1:{port}")
        self.processes.append(process)
        return process

    def _environment(self, health_port: int, failpoints: str) -> dict[str, str]:
        directory = self.place.directory
        return {
            "TIDEGATE_DATABASE_URL": self.place.database_url,
            "TIDEGATE_WATCH_DATABASE_URL": self.place.watch_database_url,
            "TIDEGATE_DATABASE_CONNECTIONS": "5",
            "TIDEGATE_BUS_URL": self.place.bus_url,
            "TIDEGATE_BUS_PREFIX": self.prefix,
            "TIDEGATE_SECRET_KEY": self.secret_key,
            "TIDEGATE_DROP_DIRECTORY": str(directory / "drop"),
            "TIDEGATE_SFTP_HOST_KEY_FILE": str(self.host_key),
            "TIDEGATE_WORK_DIRECTORY": str(directory / "work"),
            "TIDEGATE_MAIL_DIRECTORY": str(self.mails),
            "TIDEGATE_API_HOST": "127.0.0.1",
            "TIDEGATE_API_PORT": str(self.api_port),
            "TIDEGATE_HEALTH_HOST": "127.0.0.1",
            "TIDEGATE_HEALTH_PORT": str(health_port),
            "TIDEGATE_SFTP_HOST": "127.0.0.1",
            "TIDEGATE_SFTP_PORT": str(self.sftp_port),
            "TIDEGATE_PUBLIC_SFTP_HOST": "127.0.0.1",
            "TIDEGATE_ALLOWED_NETWORKS": "127.0.0.0/8",
            "TIDEGATE_SWEEP_SECONDS": "0.5",
            "TIDEGATE_LEDGER_POLL_SECONDS": "2",
            "TIDEGATE_LEASE_SECONDS": str(LEASE_SECONDS),
            "TIDEGATE_RETRY_BASE_SECONDS": "0.5",
            "TIDEGATE_SHUTDOWN_SECONDS": "5",
            "TIDEGATE_FAILPOINTS": failpoints,
            "TIDEGATE_FAILPOINTS_DIRECTORY": str(self.failpoints),
        } | self.variables
