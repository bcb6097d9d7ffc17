"""What a person reads when a connection is tried: which step failed, why, what to do."""

from pathlib import Path
from uuid import uuid4

import pytest

from shared.domain.connection import Login
from shared.domain.place import HostedPlace
from shared.transfer.addresses import AddressPolicy
from shared.transfer.dialling import Reach
from shared.transfer.open_folder import Places, Step, open_folder, verify
from tests.fakes.sessions import FreeSessions
from tests.integration.transfer.conftest import PASSWORD, partner, reach

ACCOUNT = uuid4()
LOGIN = Login(password=PASSWORD)


def _places(tmp_path: Path, ways: Reach | None = None) -> Places:
    return Places(drop_directory=tmp_path / "drop", reach=ways or reach(), sessions=FreeSessions())


def _short(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.name, step.code or step.outcome) for step in steps]


async def test_a_place_that_works_says_so_for_every_step_and_keeps_no_probe(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    async with partner(tmp_path) as server:
        place = server.place(*server.lines)
        steps = await verify(place, LOGIN, _places(tmp_path), account_id=ACCOUNT, directories=("", "in"), write_to="in")
    assert _short(steps) == [(name, "ok") for name in ("resolve", "connect", "host_key", "login", "list", "write")]
    assert list((tmp_path / "in").iterdir()) == []


async def test_an_unknown_host_key_comes_along_to_be_accepted(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        steps = await verify(server.place(), LOGIN, _places(tmp_path), account_id=ACCOUNT)
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

    (tmp_path / "locked").mkdir()
    async with partner(tmp_path) as server:
        good = server.place(*server.lines)
        named = server.place(*server.lines, host="partner.example")
        tries = [
            (named, LOGIN, Reach(AddressPolicy(), resolver=nowhere), "", "resolve", "name_unresolved"),
            (good, LOGIN, Reach(AddressPolicy()), "", "resolve", "address_refused"),
            (good, Login(password="wrong"), reach(), "", "login", "login_refused"),
            (good, Login(private_key="nonsense"), reach(), "", "login", "unsupported_key"),
            (good, LOGIN, reach(), "nowhere", "list", "directory_missing"),
        ]
        for place, login, ways, directory, step, code in tries:
            steps = await verify(place, login, _places(tmp_path, ways), account_id=ACCOUNT, directories=(directory,))
            assert [(s.name, s.code) for s in steps if s.outcome == "failed"] == [(step, code)]
            assert all(s.what_to_do for s in steps if s.outcome == "failed")
    steps = await verify(good, LOGIN, _places(tmp_path), account_id=ACCOUNT)
    assert [(s.name, s.code) for s in steps if s.outcome == "failed"] == [("connect", "connection_lost")]


async def test_a_place_that_cannot_be_written_to_fails_at_write(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        place = server.place(*server.lines)
        steps = await verify(place, LOGIN, _places(tmp_path), account_id=ACCOUNT, write_to="nowhere")
    assert _short(steps)[-2:] == [("list", "ok"), ("write", "directory_missing")]


async def test_a_hosted_folder_is_opened_below_its_account(tmp_path: Path) -> None:
    place = HostedPlace(transport="hosted", drop_folder_id=uuid4())
    places = _places(tmp_path)
    async with open_folder(place, Login(), places, account_id=ACCOUNT) as folder:
        assert (await folder.list("")).files == []
    assert (tmp_path / "drop" / str(ACCOUNT) / str(place.drop_folder_id)).is_dir()
    assert _short(await verify(place, Login(), places, account_id=ACCOUNT, write_to="")) == [
        ("list", "ok"),
        ("write", "ok"),
    ]


@pytest.mark.parametrize("home", ["in", "/in", "in/"])
async def test_the_home_directory_is_where_paths_begin(tmp_path: Path, home: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("1")
    async with partner(tmp_path) as server:
        place = server.place(*server.lines, home_directory=home)
        async with open_folder(place, LOGIN, _places(tmp_path), account_id=ACCOUNT) as folder:
            assert [file.path for file in (await folder.list("")).files] == ["a.csv"]
