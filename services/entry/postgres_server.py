"""One PostgreSQL server in a directory of its own: made, started, found again after a crash, and stopped.

It listens on one loopback port, asks for a password, and has no Unix socket (whose paths may have 107 bytes, fewer
than many home directories need). Its log carries neither statements nor values. Who else could be running on the
directory is settled by a lock, so a server that outlived its killed owner is ended and started afresh. Nothing here
connects to it: what is in the databases is not its business.

    DIRECTORY/lock  password  port  postgres.log  data/
"""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO
from urllib.parse import quote

from services.entry import postgres_processes as processes
from shared.domain.failures import EmbeddedDatabaseFailed

SUPERUSER = "postgres"
HOST = "127.0.0.1"
MAX_LOG_BYTES = 10_000_000
PORT_ATTEMPTS = 5

# Errors name values of people's records in their text, so errors stay with the client who caused them.
_QUIET = {
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_timezone": "UTC",
}
# Nothing of the environment that we run in may change what the server does.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class PostgresServer:
    """A server from the programs in `binaries`, with its data below `directory`; not thread-safe."""

    def __init__(self, binaries: Path, directory: Path, options: Mapping[str, str]) -> None:
        self.binaries = binaries
        self.directory = directory.resolve()
        self.data = self.directory / "data"
        self.log = self.directory / "postgres.log"
        self.port = 0
        self._options = {**_QUIET, **options}
        self._child: subprocess.Popen[bytes] | None = None
        self._held = ExitStack()

    def start(self, *, deadline_seconds: float = 300) -> None:
        """Bring the server up and return once it accepts connections.

        The deadline covers the recovery after a crash. Raises EmbeddedDatabaseFailed with the log's last lines.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._held.enter_context(self._lock())
        try:
            if not processes.end_all(self.data, patience_seconds=30):
                raise EmbeddedDatabaseFailed(f"An older server on {self.data} does not end.")
            # Nobody works in the directory and nobody else may: what a killed server wrote there is stale, and its
            # number may be another program's by now, for which PostgreSQL would refuse to start.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            identity = processes.identity()
            identity.own(self.directory)
            self._initialise(identity)
            self._launch(identity, time.monotonic() + deadline_seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, patience_seconds: float = 30) -> None:
        """Shut the server down and return once it has gone; a server that is not running stays so."""
        if self._child is not None:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                self._child.send_signal(number)
                try:
                    self._child.wait(patience_seconds)
                    break
                except subprocess.TimeoutExpired:
                    continue  # asked more firmly the next time round
            self._child = None
        self._held.close()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while we have one."""
        return self._child.pid if self._child is not None else None

    def exit_code(self) -> int | None:
        """How the server ended by itself, or None while it runs."""
        return self._child.poll() if self._child is not None else None

    def superuser_dsn(self, database: str = "postgres") -> str:
        """Where to connect as the superuser; a secret."""
        password = quote(self._password_file.read_text(encoding="utf-8").strip(), safe="")
        return f"postgresql://{SUPERUSER}:{password}@{HOST}:{self.port}/{quote(database, safe='')}"

    @property
    def _password_file(self) -> Path:
        return self.directory / "password"

    def _lock(self) -> IO[str]:
        lock = (self.directory / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedDatabaseFailed(
                f"{self.directory} is in use by another process ({owner}); stop that one or choose another directory."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock

    def _initialise(self, identity: processes.Identity) -> None:
        if (self.data / "PG_VERSION").is_file():
            self._check_version()
            return
        # Made beside and renamed: a directory that a killed start left half made never passes for a database. Each
        # start has a name of its own, because initdb may outlive the one that was killed.
        for left in self.directory.glob("data.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        fresh = self.directory / f"data.new-{secrets.token_hex(4)}"
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        if identity.uid is not None:
            os.chown(self._password_file, identity.uid, identity.uid)
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self._major_version() < 17:
            locale = ["--locale=C.UTF-8"]
        command = [str(self.binaries / "initdb"), f"--pgdata={fresh}", f"--pwfile={self._password_file}"]
        command += [f"--username={SUPERUSER}", "--auth=scram-sha-256", "--encoding=UTF8", *locale]
        done = self._popen(identity, command, capture=True)
        output, _ = done.communicate(timeout=120)
        if done.returncode != 0:
            raise EmbeddedDatabaseFailed(f"initdb ended with {done.returncode}: {_tail(output.decode())}")
        fresh.rename(self.data)

    def _check_version(self) -> None:
        found, ours = (self.data / "PG_VERSION").read_text(encoding="utf-8").strip(), self._major_version()
        if found != str(ours):
            raise EmbeddedDatabaseFailed(
                f"{self.data} was made by PostgreSQL {found}, and this is {ours}; dump it with the older one and "
                "restore it into a new directory."
            )
        if not self._password_file.is_file():
            raise EmbeddedDatabaseFailed(f"{self._password_file} is missing; restore it from where the data came from.")

    def _major_version(self) -> int:
        done = self._popen(processes.Identity(), [str(self.binaries / "postgres"), "--version"], capture=True)
        output, _ = done.communicate(timeout=30)
        return int(output.decode().split()[2].split(".")[0])

    def _launch(self, identity: processes.Identity, until: float) -> None:
        if self.log.is_file() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        # PostgreSQL 15 to 18 end their recovery with "could not create file: File exists" where a transaction that had
        # made an unlogged table was rolled back just before the crash. The same recovery clears the way for the next.
        recoveries = 2
        for _ in range(PORT_ATTEMPTS):
            self.port = self._choose_port()
            options = {**self._options, "listen_addresses": HOST, "port": str(self.port), "unix_socket_directories": ""}
            command = [str(self.binaries / "postgres"), "-D", str(self.data)]
            command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
            self._child = self._popen(identity, command, capture=False)
            if self._accepts(until):
                (self.directory / "port").write_text(str(self.port), encoding="utf-8")
                return
            if _is_free(self.port):  # so the port was not what it died of
                recoveries -= 1
                if recoveries == 0:
                    break
        raise EmbeddedDatabaseFailed(f"It ended while starting; {self.log} ends with: {_tail(self._logged())}")

    def _accepts(self, until: float) -> bool:
        assert self._child is not None
        while self._child.poll() is None:
            lines = processes.status_lines(self.data)
            if len(lines) >= 8 and lines[0] == str(self._child.pid) and lines[7] == "ready":
                return True
            if time.monotonic() > until:
                raise EmbeddedDatabaseFailed(f"It is not ready in time; {self.log} ends with: {_tail(self._logged())}")
            time.sleep(processes.POLL_SECONDS)
        return False

    def _choose_port(self) -> int:
        """The port of the last time, so that addresses people noted stay true; any free one where that is taken."""
        remembered = self.directory / "port"
        text = remembered.read_text(encoding="utf-8").strip() if remembered.is_file() else ""
        if text.isdigit() and _is_free(int(text)):
            return int(text)
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            return int(probe.getsockname()[1])

    def _popen(self, identity: processes.Identity, command: list[str], *, capture: bool) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in a terminal is for us, and the server is stopped when its users have left.
        try:
            with self.log.open("ab") as log:
                return subprocess.Popen(  # noqa: S603 - our own programs on our own paths
                    [*identity.prefix, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if capture else log,
                    stderr=subprocess.STDOUT if capture else log,
                    env=_ENVIRONMENT,
                    cwd=self.directory,
                    user=identity.uid,
                    group=identity.uid,
                    extra_groups=[] if identity.uid is not None else None,
                    start_new_session=True,
                )
        except OSError as error:
            raise EmbeddedDatabaseFailed(
                f"{command[0]} cannot be run as user {identity.uid or os.geteuid()}: {error.strerror}. "
                "Run Tidegate as an ordinary user, in a folder that this user may enter."
            ) from error

    def _logged(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _tail(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-5:]) or "nothing"
