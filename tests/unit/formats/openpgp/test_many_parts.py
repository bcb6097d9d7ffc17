"""A message of very many parts is told as damaged, with GnuPG and without."""

import sys
import tempfile
from pathlib import Path

import pytest

from shared.domain.failures import DamagedMessage
from shared.formats.openpgp.gpg import Home, Programs
from shared.formats.openpgp.limits import Limits
from shared.formats.openpgp.without_gpg import _outer

GPG = f"""#!{sys.executable} -IS
import os, sys
status = int(sys.argv[sys.argv.index("--status-fd") + 1])
try:
    os.write(status, b"[GNUPG:] ENC_TO 0123456789ABCDEF 1 0\\n" * %d)
except BrokenPipeError:
    sys.exit(2)
"""


async def test_gpg_is_ended_where_it_finds_no_end(tmp_path: Path) -> None:
    gpg = tmp_path / "gpg"
    gpg.write_text(GPG % 30_000)
    gpg.chmod(0o700)
    home = Home(Programs(gpg, gpg), tmp_path, Limits())
    with tempfile.TemporaryFile() as source, pytest.raises(DamagedMessage, match="20000 parts"):
        await home.decrypt(source, lambda _: None, lambda _: "", verify=False)


def test_packets_are_counted() -> None:
    marker = b"\xca\x00"
    assert len(list(_outer(marker * 20_000))) == 20_000
    with pytest.raises(DamagedMessage, match="20000 parts"):
        list(_outer(marker * 20_001))
