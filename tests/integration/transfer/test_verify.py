"""What a person reads when a connection is tried: which step failed, why, what to do, and how long each took."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import asyncssh
import pytest

from shared.domain.connection import Login
from shared.domain.place import DropPlace, HostedPlace
from shared.transfer import verify as verifying
from shared.transfer.addresses import AddressPolicy
from shared.transfer.dialling import OnStep, Reach
from shared.transfer.folder import Folder
from shared.transfer.open_folder import Places, open_folder
from shared.transfer.trail import Step
from shared.transfer.verify import Uses, verify
from tests.fakes.sessions import FreeSessions
from tests.integration.transfer.conftest import PASSWORD, partner, reach

ACCOUNT = uuid4()
LOGIN = Login(password=PASSWORD)
GETTING_IN = ("resolve", "connect", "host_key", "login")
WRITING = ("write", "read", "replace", "remove")
OUT = Uses(written=frozenset({"out"}))


def _places(tmp_path: Path, ways: Reach | None = None) -> Places:
    return Places(drop_directory=tmp_path / "drop", reach=ways or reach(), sessions=FreeSessions())


async def _tried(place: DropPlace, places: Places, uses: Uses | None = None, login: Login = LOGIN) -> list[Step]:
    def opening(on_step: OnStep) -> AbstractAsyncContextManager[Folder]:
        return open_folder(place, login, places, account_id=ACCOUNT, on_step=on_step)

    tried = await verify(place, opening, uses or Uses(), probe="0a1b")
    failed = [step.code for step in tried.steps if step.outcome == "failed"]
    assert failed == ([tried.failure.code] if tried.failure else [])
    assert all((step.milliseconds is None) == (step.outcome == "not_tried") for step in tried.steps)
    assert all(step.what_to_do for step in tried.steps if step.outcome == "failed")
    return tried.steps


def _short(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.name, step.code or step.outcome) for step in steps]


def _all_ok(*names: str) -> list[tuple[str, str]]:
    return [(name, "ok") for name in names]


async def test_a_place_that_works_says_so_for_every_step_and_keeps_no_probe(tmp_path: Path) -> None:
    for name in ("in", "out", "late"):
        (tmp_path / name).mkdir()
    (tmp_path / "in" / "a.csv").write_text("1")
    uses = Uses(frozenset({"in", "out"}), frozenset({"out", "late"}), frozenset({"late"}))
    async with partner(tmp_path) as server:
        steps = await _tried(server.place(*server.lines), _places(tmp_path), uses)
    assert _short(steps) == _all_ok(*GETTING_IN, "list", "list", "list", *WRITING, *WRITING)
    assert [step.directory for step in steps] == [None] * 4 + ["in", "late", "out"] + ["late"] * 4 + ["out"] * 4
    assert [file.name for file in sorted(tmp_path.rglob("*")) if file.is_file()] == ["a.csv"]


async def test_how_long_each_step_took_is_told_at_that_step(tmp_path: Path) -> None:
    class Slow(asyncssh.SFTPServer):
        async def realpath(self, path: bytes) -> bytes:
            met.append(time.monotonic())
            await asyncio.sleep(0.2)
            return super().realpath(path)

    async def resolver(host: str, port: int) -> list[str]:
        await asyncio.sleep(0.2)
        met.append(time.monotonic())
        return ["127.0.0.1"]

    met: list[float] = []
    async with partner(tmp_path, server=Slow) as server:
        place = server.place(*server.lines, host="partner.example")
        ways = Reach(reach().policy, resolver=resolver)
        took = {step.name: step.milliseconds or 0 for step in await _tried(place, _places(tmp_path, ways))}
    assert took["resolve"] >= 200
    assert took["login"] >= 200
    assert took["connect"] <= 1_000 * (met[1] - met[0]) + 1


async def test_an_unknown_host_key_comes_along_to_be_accepted(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        steps = await _tried(server.place(), _places(tmp_path))
    assert _short(steps) == [
        ("resolve", "ok"),
        ("connect", "ok"),
        ("host_key", "host_key_unknown"),
        ("login", "not_tried"),
        ("list", "not_tried"),
    ]
    assert steps[2].presented_key == server.lines[0]
    assert steps[2].fingerprint == server.keys[0].get_fingerprint()
    assert "accept" in steps[2].what_to_do


async def test_each_failure_stands_at_its_step(tmp_path: Path) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async def inside(host: str, port: int) -> list[str]:
        return ["10.11.12.13"]

    (tmp_path / "locked").mkdir()
    async with partner(tmp_path) as server:
        good = server.place(*server.lines)
        named = server.place(*server.lines, host="partner.example")
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        watched = Uses(watched=frozenset({"nowhere"}))
        tries: list[tuple[DropPlace, Login, Reach, Uses | None, str, str]] = [
            (named, LOGIN, Reach(AddressPolicy(), resolver=nowhere), None, "resolve", "name_unresolved"),
            (named, LOGIN, Reach(AddressPolicy(), resolver=inside), None, "resolve", "address_refused"),
            (good, LOGIN, Reach(AddressPolicy()), None, "resolve", "address_refused"),
            (server.place(other), LOGIN, reach(), None, "host_key", "host_key_changed"),
            (good, Login(password="wrong"), reach(), None, "login", "login_refused"),
            (good, Login(private_key="nonsense"), reach(), None, "login", "unsupported_key"),
            (good, LOGIN, reach(), watched, "list", "directory_missing"),
        ]
        for place, login, ways, uses, step, code in tries:
            steps = await _tried(place, _places(tmp_path, ways), uses, login)
            assert [(s.name, s.code) for s in steps if s.outcome == "failed"] == [(step, code)]
            assert "10.11.12.13" not in "".join(s.model_dump_json() for s in steps)
    steps = await _tried(good, _places(tmp_path))
    assert [(s.name, s.code) for s in steps if s.outcome == "failed"] == [("connect", "connection_lost")]


async def test_each_directory_that_goals_watch_is_listed_and_which_cannot_be_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> object:
            if path.endswith((b"/shut", b"/in/b")):
                raise asyncssh.SFTPPermissionDenied("no")
            async for each in super().scandir(path):
                yield each

    for name in ("in/a/deep", "in/b", "in/line\nbreak", "in/done", "shut", "out"):
        (tmp_path / name).mkdir(parents=True)
    uses = Uses(
        frozenset({"in", "shut"}), frozenset({"out"}), watches=lambda path: path in ("in/a", "in/b", "in/line\nbreak")
    )
    async with partner(tmp_path, server=Closed) as server:
        places = _places(tmp_path)

        def opening(on_step: OnStep) -> AbstractAsyncContextManager[Folder]:
            place = server.place(*server.lines)
            return open_folder(place, LOGIN, places, account_id=ACCOUNT, on_step=on_step)

        async def listed() -> list[tuple[str | None, str]]:
            tried = await verify(server.place(*server.lines), opening, uses, probe="0a1b")
            assert tried.failure is not None
            assert tried.failure.code == "access_denied"
            assert {step.outcome for step in tried.steps if step.name in WRITING} == {"not_tried"}
            assert [step.name for step in tried.steps[:4]] == [*GETTING_IN]
            return [(step.directory, step.code or step.outcome) for step in tried.steps if step.name == "list"]

        top = [("in", "ok"), ("out", "ok"), ("shut", "access_denied")]
        assert await listed() == [*top, ("in/a", "ok"), ("in/b", "access_denied"), ("in/line\\x0abreak", "ok")]
        monkeypatch.setattr(verifying, "MAX_LISTED", 4)
        assert await listed() == [*top, ("in/a", "ok")]


async def test_a_directory_that_an_export_writes_to_is_made_as_an_export_makes_it(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        steps = await _tried(server.place(*server.lines), _places(tmp_path), OUT)
    assert _short(steps) == _all_ok(*GETTING_IN, "list", *WRITING)
    assert "made" in steps[4].detail
    assert "made" in steps[5].detail
    assert list((tmp_path / "out").iterdir()) == []


class _WriteOnly(asyncssh.SFTPServer):
    """Takes files, and shows none."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if not pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("no")
        return super().open(path, pflags, attrs)

    async def scandir(self, path: bytes) -> object:
        raise asyncssh.SFTPPermissionDenied("no")
        yield


class _Stubborn(asyncssh.SFTPServer):
    """Gives no file another name."""

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no")

    posix_rename = rename


class _Keeping(asyncssh.SFTPServer):
    """Deletes nothing."""

    def remove(self, path: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no")


class _Garbling(asyncssh.SFTPServer):
    """Gives back other bytes, as one that converts line ends."""

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return bytes(super().read(file_obj, offset, size)).replace(b"\n", b"\r")


class _Leaving(asyncssh.SFTPServer):
    """Ends the connection when a file is asked for."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if not pflags & asyncssh.FXF_WRITE:
            self.channel.get_connection().abort()
        return super().open(path, pflags, attrs)


@pytest.mark.parametrize(
    ("server_class", "step", "code", "left"),
    [
        (_WriteOnly, None, None, 0),
        (_Stubborn, "replace", "rename_refused", 0),
        (_Garbling, "read", "server_failed", 0),
        (_Leaving, "read", "connection_lost", 0),
        (_Keeping, "remove", "access_denied", 1),
    ],
)
async def test_what_was_written_is_removed_whatever_fails_behind_it(
    tmp_path: Path, server_class: type[asyncssh.SFTPServer], step: str | None, code: str | None, left: int
) -> None:
    (tmp_path / "out").mkdir()
    async with partner(tmp_path, server=server_class) as server:
        steps = await _tried(server.place(*server.lines), _places(tmp_path), OUT)
    assert [(s.name, s.code) for s in steps if s.outcome == "failed"] == ([(step, code)] if step else [])
    names = [file.name for file in (tmp_path / "out").iterdir()]
    assert len(names) == left
    # Where something had to stay, who reads it learns its name.
    assert all(name in steps[-1].detail for name in names)


async def test_of_a_server_that_gives_back_without_end_no_more_is_kept_than_was_written(tmp_path: Path) -> None:
    asked: list[int] = []

    class Endless(asyncssh.SFTPServer):
        def read(self, file_obj: object, offset: int, size: int) -> bytes:
            asked.append(offset)
            # An end it has after all, so that this test has one, too.
            return b"x" * size if offset < 64 << 20 else b""

    (tmp_path / "out").mkdir()
    async with partner(tmp_path, server=Endless) as server:
        steps = await _tried(server.place(*server.lines), _places(tmp_path), OUT)
    assert [(s.name, s.code) for s in steps if s.outcome == "failed"] == [("read", "server_failed")]
    assert max(asked) < 16 << 20
    assert [*(tmp_path / "out").iterdir()] == []


async def test_where_nothing_can_be_renamed_an_export_that_writes_in_place_works(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    async with partner(tmp_path, server=_Stubborn) as server:
        uses = Uses(written=frozenset({"out"}), in_place=frozenset({"out"}))
        steps = await _tried(server.place(*server.lines), _places(tmp_path), uses)
    assert _short(steps) == _all_ok(*GETTING_IN, "list", *WRITING)


async def test_a_trial_is_over_in_time_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(asyncssh.SFTPServer):
        async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(verifying, "ALL_SECONDS", 3)
    monkeypatch.setattr(verifying, "CLEARING_SECONDS", 1)
    (tmp_path / "out").mkdir()
    async with partner(tmp_path, server=Hanging) as server:
        steps = await _tried(server.place(*server.lines), _places(tmp_path), OUT)
    assert [(s.name, s.code) for s in steps if s.outcome == "failed"] == [("replace", "connection_lost")]
    assert list((tmp_path / "out").iterdir()) == []


async def test_a_hosted_folder_is_opened_below_its_account(tmp_path: Path) -> None:
    place = HostedPlace(transport="hosted", drop_folder_id=uuid4())
    places = _places(tmp_path)
    async with open_folder(place, Login(), places, account_id=ACCOUNT) as folder:
        assert (await folder.list("")).files == []
    assert (tmp_path / "drop" / str(ACCOUNT) / str(place.drop_folder_id)).is_dir()
    steps = await _tried(place, places, Uses(frozenset({"in"}), frozenset({"out"})))
    assert _short(steps) == _all_ok("list", "list", *WRITING)
    assert str(tmp_path) not in "".join(step.model_dump_json() for step in steps)


@pytest.mark.parametrize("home", ["in", "/in", "in/"])
async def test_the_home_directory_is_where_paths_begin(tmp_path: Path, home: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("1")
    async with partner(tmp_path) as server:
        place = server.place(*server.lines, home_directory=home)
        async with open_folder(place, LOGIN, _places(tmp_path), account_id=ACCOUNT) as folder:
            assert [file.path for file in (await folder.list("")).files] == ["a.csv"]
