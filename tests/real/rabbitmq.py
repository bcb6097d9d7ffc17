"""A private RabbitMQ for tests: its own folder, ports, node name and port mapper; on loopback only.

It is started past the packaged wrapper, which wants a system user, and stopped by process id. Several may run side
by side. Methods block; from a test with an event loop call them by `asyncio.to_thread`.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from tests.real.ports import free_port

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
START_LIMIT_SECONDS = 90
CONTROL_LIMIT_SECONDS = 120.0
STOP_LIMIT_SECONDS = 40
REMEMBERS_QUEUES_AFTER_SECONDS = 5.0
"""RabbitMQ writes the list of its quorum queues down with a delay of three seconds. A queue that was first declared
later than that before a kill -9 exists afterwards, but never gets a leader and never answers (seen with 3.10.8)."""
USUAL_MEMORY = "2GB"
"""Above this much memory a broker blocks its publishers."""

_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"


@dataclass(slots=True)
class Membership:
    """What the nodes of one cluster share: their names, a secret, and a port mapper, which the first one starts."""

    nodes: list[str]
    cookie: str = field(default_factory=lambda: uuid4().hex)
    epmd_port: int = 0
    epmd: "subprocess.Popen[bytes] | None" = None


class RabbitServer:
    """One broker with its data. Killed or stopped, it can be started again on the same port with what it had."""

    def __init__(self, directory: Path, *, member: Membership | None = None, number: int = 0) -> None:
        self._directory = directory
        self.port, self._dist_port, self._epmd_port = (free_port() for _ in range(3))
        self._member = member or Membership([f"tidegate{uuid4().hex[:8]}@localhost"])
        self._member.epmd_port = self._epmd_port = self._member.epmd_port or self._epmd_port
        self._node = self._member.nodes[number]
        self._shell: subprocess.Popen[bytes] | None = None
        self._beam: psutil.Process | None = None
        for name in ("home", "data", "log", "generated"):
            (directory / name).mkdir()
        (directory / "plugins").write_text("[].\n")
        # Below 100 percent of a small test machine's memory and disk the broker would block its publishers.
        (directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nvm_memory_high_watermark.absolute = {USUAL_MEMORY}\n"
            "disk_free_limit.absolute = 10MB\n" + self._cluster()
        )
        (directory / "env.conf").write_text("")
        cookie = directory / "home" / ".erlang.cookie"
        cookie.write_text(self._member.cookie)
        cookie.chmod(0o400)

    @property
    def url(self) -> str:
        """Where the broker listens. The guest user is the broker's own default and only works on loopback."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start and wait until it speaks AMQP. Raises RuntimeError with the end of its output when it does not."""
        environment = self._environment()
        if self._member.epmd is None:
            command = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
            self._member.epmd = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            _wait_for(lambda: _accepts(self._epmd_port), 10, "the port mapper")
        with (self._directory / "log" / "console").open("ab") as console:
            self._shell = subprocess.Popen([str(SERVER)], env=environment, stdout=console, stderr=console)
        _wait_for(self._speaks_amqp, START_LIMIT_SECONDS, "RabbitMQ")
        self._beam = psutil.Process(int((self._directory / "pid").read_text()))

    def stop(self) -> None:
        """Stop in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9, without a chance to write anything down. See REMEMBERS_QUEUES_AFTER_SECONDS."""
        self._end(signal.SIGKILL)

    def control(self, *words: str) -> str:
        """What rabbitmqctl answers. Raises RuntimeError with what it said where it fails."""
        command = [str(CONTROL), "--node", self._node, "--quiet", *words]
        done = subprocess.run(
            command, env=self._environment(), check=False, capture_output=True, text=True, timeout=CONTROL_LIMIT_SECONDS
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"rabbitmqctl {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def is_running(self) -> bool:
        """Whether it was started and not ended since."""
        return self._beam is not None and self._beam.is_running()

    def freeze(self) -> None:
        """Stop the broker's clock: connections stay open and nobody answers."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen broker go on."""
        self._running().send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End everything that was started, whatever state it is in."""
        if self._beam is None and self._shell is not None and self._shell.poll() is None:
            # It did not come up in its time; what was started all the same would outlive the test.
            self._beam = psutil.Process(self._shell.pid)
        if self._beam is not None:
            self.kill()
        if self._member.epmd is not None:
            self._member.epmd.terminate()
            self._member.epmd.wait(STOP_LIMIT_SECONDS)
            self._member.epmd = None

    def _cluster(self) -> str:
        nodes = self._member.nodes
        lines = [f"cluster_formation.classic_config.nodes.{place} = {node}" for place, node in enumerate(nodes, 1)]
        lines.insert(0, "cluster_formation.peer_discovery_backend = classic_config")
        return "\n".join(lines) + "\n" if len(nodes) > 1 else ""

    def _running(self) -> psutil.Process:
        if self._beam is None:
            raise RuntimeError("the broker is not running; call start() first")
        return self._beam

    def _end(self, by: signal.Signals) -> None:
        beam = self._running()
        family = [beam, *beam.children(recursive=True)]
        beam.send_signal(by)
        if by == signal.SIGKILL:  # the port program that starts children outlives nothing but its parent's goodwill
            for child in family[1:]:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        _, alive = psutil.wait_procs(family, STOP_LIMIT_SECONDS)
        if alive:
            raise RuntimeError(f"the broker did not end within {STOP_LIMIT_SECONDS} seconds after {by.name}")
        if self._shell is not None:
            self._shell.wait(STOP_LIMIT_SECONDS)
        self._beam = self._shell = None

    def _speaks_amqp(self) -> bool:
        if self._shell is not None and self._shell.poll() is not None:
            output = (self._directory / "log" / "console").read_text(errors="replace")[-2_000:]
            raise RuntimeError(f"RabbitMQ ended while starting:\n{output}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(_PROTOCOL_HEADER)
                return connection.recv(1) == b"\x01"  # a method frame: connection.start
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        directory = self._directory
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(directory / "home"),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(directory / "feature_flags"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(directory / "generated"),
            # One scheduler keeps the broker from spinning on a machine that many share.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
        }


@contextmanager
def private_rabbitmq() -> Iterator[RabbitServer]:
    """A started broker that is gone, with its folder, on leaving."""
    _require_installed()
    with tempfile.TemporaryDirectory(prefix="tidegate-rabbitmq-") as name:
        server = RabbitServer(Path(name))
        try:
            server.start()
            yield server
        finally:
            server.close()


@contextmanager
def rabbitmq_cluster(nodes: int = 3) -> Iterator[list[RabbitServer]]:
    """So many started brokers that form one cluster; the port mapper is the first one's."""
    _require_installed()
    names = [f"tidegate{uuid4().hex[:8]}@localhost" for _ in range(nodes)]
    member = Membership(names)
    servers: list[RabbitServer] = []
    with tempfile.TemporaryDirectory(prefix="tidegate-rabbitmq-") as name:
        try:
            for number in range(nodes):
                directory = Path(name) / str(number)
                directory.mkdir()
                servers.append(RabbitServer(directory, member=member, number=number))
                servers[-1].start()
            yield servers
        finally:
            for server in servers:
                server.close()


def _require_installed() -> None:
    if not SERVER.exists() or shutil.which("epmd") is None:
        raise RuntimeError(
            f"found no {SERVER}; run `apt-get install -y --no-install-recommends rabbitmq-server` or `make test`"
        )


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _wait_for(holds: Callable[[], bool], limit_seconds: float, what: str) -> None:
    deadline = time.monotonic() + limit_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} was not ready within {limit_seconds} seconds")
        time.sleep(0.1)
