"""Both ways to open a message, each in a workspace of which a test may ask what is left in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.domain.openpgp_key import Bundle
from shared.formats.openpgp import message
from shared.formats.openpgp.gpg import Programs, find_programs
from shared.formats.openpgp.message import Decrypted, Policy

INSTALL = "GnuPG is not installed: scripts/install_servers.sh gnupg"


@dataclass(frozen=True, slots=True)
class Desk:
    """A workspace, and the way in which it is worked there."""

    folder: Path
    gpg: Programs | None

    def file(self, content: bytes, name: str = "fetched") -> Path:
        """A file as it was fetched."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    async def open(self, path: Path, bundle: Bundle, policy: Policy | None = None) -> Decrypted:
        """Decrypt it to `plain`."""
        return await message.decrypt(path, self.folder / "plain", bundle, policy or Policy(), gpg=self.gpg)

    def left(self) -> set[str]:
        """What is there besides files that were fetched."""
        return {each.name for each in self.folder.iterdir() if each.name != "fetched"}


@pytest.fixture(scope="session")
def programs() -> Programs:
    """GnuPG of this machine."""
    found = find_programs()
    assert found is not None, INSTALL
    return found


@pytest.fixture(params=["gnupg", "without"])
def desk(request: pytest.FixtureRequest, programs: Programs, tmp_path: Path) -> Iterator[Desk]:
    """A workspace with GnuPG, and one without. Nothing of gpg's may be left in it."""
    yield Desk(tmp_path, programs if request.param == "gnupg" else None)
    names = [each.name for each in tmp_path.iterdir()]
    assert not [name for name in names if name.startswith("gpg-") or name.endswith(".quarantine")]


@pytest.fixture
def gnupg_desk(programs: Programs, tmp_path: Path) -> Desk:
    """A workspace with GnuPG."""
    return Desk(tmp_path, programs)
