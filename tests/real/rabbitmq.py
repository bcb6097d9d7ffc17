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
from pathlib import Path
from uuid import uuid4

import psutil

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_LIMIT_SECONDS = 90
STOP_LIMIT_SECONDS = 40
REMEMBERS_QUEUES_AFTER_SECONDS = 5.0
"""RabbitMQ writes the list of its quorum queues down with a delay of three seconds. A queue that was first declared
later than that before a kill -9 exists afterwards, but never gets a leader and never answers (seen with 3.10.8)."""

_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"


class RabbitServer:
    """One broker with its data. Killed or stopped, it can be started again on the same port with what it had."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port, self._dist_port, self._epmd_port = _free_ports(3)
        self._node = f"tidegate{uuid4().hex[:8]}@localhost"
        self._shell: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._beam: psutil.Process | None = None
        for name in ("home", "data", "log", "generated"):
            (directory / name).mkdir()
        (directory / "plugins").write_text("[].\n")
        # Below 100 percent of a small test machine's memory and disk the broker would block its publishers.
        (directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\nvm_memory_high_watermark.absolute = 2GB\n"
            "disk_free_limit.absolute = 10MB\n"
        )
        (directory / "env.conf").write_text("")

    @property
    def url(self) -> str:
        """Where the broker listens. The guest user is the broker's own default and only works on loopback."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Start and wait until it speaks AMQP. Raises RuntimeError with the end of its output when it does not."""
        environment = self._environment()
        if self._epmd is None:
            command = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
            self._epmd = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
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
        if self._beam is not None:
            self.kill()
        if self._epmd is not None:
            self._epmd.terminate()
            self._epmd.wait(STOP_LIMIT_SECONDS)
            self._epmd = None

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
            with socket.create_connection(("127.0.0.1", self._port), 1) as connection:
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
    if not SERVER.exists() or shutil.which("epmd") is None:
        raise RuntimeError(
            f"found no {SERVER}; run `apt-get install -y --no-install-recommends rabbitmq-server` or `make test`"
        )
    with tempfile.TemporaryDirectory(prefix="tidegate-rabbitmq-") as name:
        server = RabbitServer(Path(name))
        try:
            server.start()
            yield server
        finally:
            server.close()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


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
