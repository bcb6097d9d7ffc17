"""What partners send: messages made by a GnuPG of theirs, whole, odd and broken ones."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.domain.openpgp_key import OwnKey, PartnerKey
from shared.formats.openpgp.agent import stop_agent


class Sender:
    """A partner's GnuPG, with keys that it knows."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def knows(self, *keys: OwnKey | PartnerKey) -> "Sender":
        """Take in keys."""
        for key in keys:
            self.run("--import", content=key.material.encode(), passphrase=getattr(key, "passphrase", None))
        return self

    def run(self, *words: str, content: bytes = b"", passphrase: str | None = None) -> bytes:
        """Run gpg; what it writes."""
        given = ("--pinentry-mode", "loopback", "--passphrase", passphrase or "")
        fixed = (
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--no-tty",
            "--trust-model",
            "always",
            "--quiet",
            *given,
        )
        done = subprocess.run((*fixed, *words), input=content, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout

    def encrypted(
        self, content: bytes, to: Sequence[OwnKey | PartnerKey] = (), *words: str, password: str = ""
    ) -> bytes:
        """A message for keys, or under a password."""
        named = [word for key in to for word in ("--recipient", key.facts.fingerprint)]
        how = ["--encrypt"] if named else []
        under = ["--symmetric"] if password else []
        return self.run(*named, *words, *how, *under, content=content, passphrase=password)

    def signed(self, content: bytes, by: OwnKey, to: Sequence[OwnKey | PartnerKey] = (), *words: str) -> bytes:
        """A signed message, encrypted to keys where some are given."""
        named = [word for key in to for word in ("--recipient", key.facts.fingerprint)]
        how = ["--encrypt"] if named else []
        signer = ("--local-user", by.facts.fingerprint, "--sign")
        return self.run(*named, *words, *signer, *how, content=content, passphrase=by.passphrase)


@contextmanager
def sender() -> Iterator[Sender]:
    """A partner with a home of their own, stopped and gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="sender-"))
    # Else it measures for seconds on a busy machine how well to protect a key that lives for one.
    (home / "gpg-agent.conf").write_text("s2k-count 65536\ndisable-scdaemon\n")
    try:
        yield Sender(home)
    finally:
        stop_agent(home)
        shutil.rmtree(home, ignore_errors=True)
