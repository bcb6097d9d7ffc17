"""GnuPG is held to its limits, learns nothing of ours, and is gone with its agent and home, however it ends."""

import asyncio
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from shared.domain.failures import DecryptionTooSlow, GnupgFailed, WrongPassphrase
from shared.domain.openpgp_key import Bundle
from shared.formats.openpgp.gpg import Programs, home_of
from shared.formats.openpgp.limits import Limits
from shared.formats.openpgp.message import Policy
from tests.eventually import eventually
from tests.integration.openpgp.conftest import Desk
from tests.integration.openpgp.sender import sender
from tests.openpgp import made_key, public

OURS = made_key()
BUNDLE = Bundle(own=(OURS,))


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder with a short name: gpg is started under another name where its home's is long, and not found by it."""
    with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
        yield Path(folder)


def _at_work(folder: Path) -> list[psutil.Process]:
    """Processes of GnuPG whose home is in a folder, by what they were started with."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(str(folder) in word for word in words) and "gpg" in words[0]:
            found.append(process)
    return found


async def _gone(folder: Path) -> None:
    await eventually(lambda: not _at_work(folder), "no gpg is left")
    assert [each.name for each in folder.iterdir() if each.name != "fetched"] == []


async def test_a_home_is_private_and_gone_with_its_agent(programs: Programs, tmp_path: Path) -> None:
    async with home_of(programs, tmp_path, Limits()) as home:
        assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700
        [agent] = _at_work(tmp_path)
        assert agent.environ().keys() <= {"GNUPGHOME", "HOME", "LC_ALL", "PATH", "TERM", "INSIDE_EMACS"}
    await _gone(tmp_path)


async def test_a_home_with_a_long_name_works_as_well(programs: Programs, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    async with home_of(programs, folder, Limits()) as home:
        assert len(os.fsencode(home.directory)) < 80
        assert home.directory.resolve().parent == folder
    assert list(folder.iterdir()) == []
    assert not home.directory.exists()


async def test_an_agent_that_died_by_itself_is_no_trouble(programs: Programs, tmp_path: Path) -> None:
    async with home_of(programs, tmp_path, Limits()):
        [agent] = _at_work(tmp_path)
        agent.kill()
    await _gone(tmp_path)


async def test_programs_that_are_not_there_are_named(programs: Programs, tmp_path: Path) -> None:
    with pytest.raises(GnupgFailed):
        async with home_of(Programs(programs.gpg, tmp_path / "nothing"), tmp_path, Limits()):
            pytest.fail("there is no agent")
    async with home_of(Programs(tmp_path / "nothing", programs.agent), tmp_path, Limits()) as home:
        with pytest.raises(GnupgFailed):
            await home.import_keys([OURS.material])
    await _gone(tmp_path)


@pytest.fixture(scope="module")
def sent() -> bytes:
    with sender() as partner:
        return partner.knows(public(OURS)).encrypted(os.urandom(8 << 20), [OURS], "--compress-algo", "none")


def _stuck(folder: Path) -> Path:
    """A gpg that never ends: it does nothing, with its output open."""
    program = folder / "gpg"
    program.write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    program.chmod(0o755)
    return program


def _children(name: str) -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if each.name() == name]


def _is_stuck(folder: Path) -> bool:
    return bool(_at_work(folder) and _children("sleep"))


async def test_a_gpg_that_breaks_down_is_no_fault_of_the_file(programs: Programs, sent: bytes, tmp_path: Path) -> None:
    broken = tmp_path / "gpg"
    broken.write_text("#!/bin/sh\nkill -SEGV $$\n")
    broken.chmod(0o755)
    desk = Desk(tmp_path / "desk", Programs(broken, programs.agent))
    desk.folder.mkdir()
    with pytest.raises(GnupgFailed):
        await desk.open(desk.file(sent), BUNDLE)
    await _gone(desk.folder)


async def test_who_is_too_slow_is_ended(programs: Programs, sent: bytes, tmp_path: Path) -> None:
    stuck = Desk(tmp_path / "desk", Programs(_stuck(tmp_path), programs.agent))
    stuck.folder.mkdir()
    with pytest.raises(DecryptionTooSlow):
        await stuck.open(stuck.file(sent), BUNDLE, Policy(limits=Limits(seconds=0.3)))
    await _gone(stuck.folder)


async def test_who_is_cancelled_leaves_nothing_and_gpg_has_learned_nothing_of_ours(
    programs: Programs, sent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_SECRET_KEY", "hush")
    desk = Desk(tmp_path / "desk", Programs(_stuck(tmp_path), programs.agent))
    desk.folder.mkdir()
    opening = asyncio.ensure_future(desk.open(desk.file(sent), BUNDLE))
    await eventually(lambda: _is_stuck(desk.folder), "gpg is at work")
    for process in (*_at_work(desk.folder), *_children("sleep")):
        assert "hush" not in str(process.environ())
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await _gone(desk.folder)


async def test_a_failure_in_the_middle_leaves_nothing(gnupg_desk: Desk, sent: bytes) -> None:
    broken = bytearray(sent)
    broken[len(broken) // 2] ^= 1
    with pytest.raises(Exception, match="modification detection"):
        await gnupg_desk.open(gnupg_desk.file(bytes(broken)), BUNDLE)
    await _gone(gnupg_desk.folder)


async def test_what_is_decrypted_is_readable_by_nobody_else(gnupg_desk: Desk, sent: bytes) -> None:
    opened = await gnupg_desk.open(gnupg_desk.file(sent), BUNDLE)
    assert stat.S_IMODE(opened.path.stat().st_mode) == 0o600
    assert opened.path.stat().st_size == 8 << 20


async def test_several_at_a_time_do_not_wait_for_each_other_for_ever(
    programs: Programs, sent: bytes, tmp_path: Path
) -> None:
    desks = [Desk(tmp_path / str(number), programs) for number in range(8)]
    for desk in desks:
        desk.folder.mkdir()
    opened = await asyncio.gather(*(desk.open(desk.file(sent), BUNDLE) for desk in desks))
    assert [each.path.stat().st_size for each in opened] == [8 << 20] * 8


async def test_a_passphrase_is_asked_for_by_key(gnupg_desk: Desk) -> None:
    other = made_key("Other", passphrase="another")
    with sender() as partner:
        both = partner.knows(public(OURS), public(other)).encrypted(b"hello", [OURS, other])
    for own in ((OURS, other), (other, OURS), (other,)):
        opened = await gnupg_desk.open(gnupg_desk.file(both), Bundle(own=own))
        assert opened.path.read_bytes() == b"hello"
        opened.path.unlink()
    locked = made_key("Locked", passphrase="right")
    with sender() as partner:
        alone = partner.knows(public(locked)).encrypted(b"hello", [locked])
    wrong = Bundle(own=(OURS, type(locked)(locked.facts, locked.material, "wrong")))
    with pytest.raises(WrongPassphrase, match=locked.facts.key_ids[1]):
        await gnupg_desk.open(gnupg_desk.file(alone), wrong)
