"""A private PostgreSQL for the tests, of the version asked for, which can be killed and started again.

The servers are run by the same code that runs the all-in-one's database; here it gets other programs and options that
trade the machine's crash for speed (a killed server loses nothing all the same). Databases, roles and migrations are
made by the fixtures on top.
"""

import signal
from pathlib import Path

from services.entry import embedded_postgres, postgres_processes
from services.entry.postgres_server import PostgresServer

PACKAGED = Path("/usr/lib/postgresql")
OLDEST = 15
# Not synchronous_commit: without it a killed server forgets what it had not yet written to the operating system.
OPTIONS = {
    **embedded_postgres.OPTIONS,
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "fsync": "off",
    "full_page_writes": "off",
}


class PrivatePostgres(PostgresServer):
    """A server of the tests' own; `superuser_dsn(database)` says where."""

    def __init__(self, binaries: Path, directory: Path) -> None:
        super().__init__(binaries, directory, OPTIONS)

    @property
    def version(self) -> int:
        """Its major version."""
        return self._major_version()

    def kill(self) -> None:
        """End the postmaster by SIGKILL, as a machine short of memory would, and wait until its backends have gone."""
        assert self._child is not None, "the server is not running"
        self._child.send_signal(signal.SIGKILL)
        self._child.wait(30)
        assert postgres_processes.end_all(self.data, patience_seconds=30), f"backends of {self.data} do not end"
        self.stop()

    def restart(self) -> None:
        """Stop in good order, or not at all where it was killed, and start on the same port."""
        self.stop()
        self.start()


def programs(version: str = "") -> Path:
    """The folder of a server's programs: of that major version, or the newest package, or else the embedded one.

    Raises LookupError, with what there is, where the version asked for is not installed.
    """
    found = {
        int(folder.parent.name): folder for folder in PACKAGED.glob("[0-9]*/bin") if (folder / "postgres").is_file()
    }
    packaged = {major: folder for major, folder in found.items() if major >= OLDEST}
    embedded = embedded_postgres.binaries()
    everything = {18: embedded, **packaged}
    if not version:
        return packaged[max(packaged)] if packaged else embedded
    if int(version) not in everything:
        raise LookupError(f"PostgreSQL {version} is not installed; there are {sorted(everything)}")
    return everything[int(version)]
