"""The demonstration's partner, who gets a segment: gzipped, encrypted to a key of theirs, over SFTP.

They open it as partners do, with GnuPG where it is installed, and else by the library that Tidegate has for that.
"""

import asyncio
import csv
import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.client import Client, Sheet
from demo.steps import fetch
from shared.domain.openpgp_key import Bundle, OwnKey
from shared.formats.openpgp import keys
from shared.formats.openpgp.agent import stop_agent
from shared.formats.openpgp.gpg import Programs, find_programs
from shared.formats.openpgp.message import Policy, decrypt

PASSPHRASE = "only for this demonstration"
GPG_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Received:
    """What the partner got."""

    run: dict[str, Any]
    packed: Path
    """Decrypted, and still gzipped."""
    opened_by: str

    @property
    def name(self) -> str:
        """The file's name, where it was put."""
        return str(self.run["receipt"]["file"]["name"])

    def rows(self, delimiter: str = ",") -> Iterator[list[str]]:
        """The file's rows behind its header."""
        with gzip.open(self.packed, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            next(rows)
            yield from rows


async def send(client: Client, connection: str, sheet: Sheet, goal: dict[str, Any], directory: Path) -> Received:
    """Export by a goal to a partner's key, fetch the file from the folder that the login is for, and open it.

    Raises RuntimeError where the run, the transfer or gpg fails.
    """
    key = keys.generated("Partner <files@partner.example>", "curve25519", None, PASSPHRASE)
    fingerprint = await client.add_openpgp_key("Partner", keys.public_part(key))
    packing: dict[str, Any] = {"packing": {"compression": "gzip"}, "encrypt_to": [fingerprint]}
    made = await client.make_goal(connection, goal | packing)
    sealed, packed = directory / "segment.csv.gz.pgp", directory / "segment.csv.gz"
    run = await fetch(client, made["id"], sealed, sheet)
    return Received(run, packed, await open_sealed(key, sealed, packed, find_programs()))


async def open_sealed(key: OwnKey, sealed: Path, packed: Path, programs: Programs | None) -> str:
    """Open a file as whoever has the key and these programs; by what it was opened. Raises RuntimeError."""
    if programs is not None:
        return await asyncio.to_thread(_open_with_gpg, programs, key, sealed, packed)
    await decrypt(sealed, packed, Bundle(own=(key,)), Policy(decrypt="required"), gpg=None)
    return "the library, since gpg is not installed"


def _open_with_gpg(programs: Programs, key: OwnKey, sealed: Path, packed: Path) -> str:
    """In a home of the partner's own; which gpg it was."""
    home = Path(tempfile.mkdtemp(prefix="partner-"))
    # Else it measures for seconds on a busy machine how well to protect a key that lives for one.
    (home / "gpg-agent.conf").write_text("s2k-count 65536\ndisable-scdaemon\n")
    private = home / "partner.asc"
    private.write_text(key.material)
    words = [str(programs.gpg), "--homedir", str(home), "--batch", "--no-tty", "--quiet", "--trust-model", "always"]
    words += ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]

    def run(*more: str) -> str:
        done = subprocess.run(
            [*words, *more], input=key.passphrase, capture_output=True, text=True, timeout=GPG_SECONDS, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"gpg {more[0]} failed: {done.stderr[-2000:]}")
        return done.stdout

    try:
        run("--import", str(private))
        run("--output", str(packed), "--decrypt", str(sealed))
        return run("--version").partition("\n")[0]
    finally:
        stop_agent(home)
        shutil.rmtree(home, ignore_errors=True)
