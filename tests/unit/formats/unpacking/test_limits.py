"""What comes out of a file is counted over all its members, once, and the stricter of two limits holds."""

import gzip
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.domain.failures import UnpackedTooLarge
from shared.domain.unpack import Unpack
from shared.formats.unpacking.budget import Limits
from shared.formats.unpacking.members import open_members
from tests.unit.formats.unpacking import sevens
from tests.unit.formats.unpacking.opening import fault, opened, read
from tests.unit.formats.unpacking.packing import STREAMS, tarred, zipped

THOUSAND = bytes(1_000)
TEN = {f"{number}.csv": THOUSAND for number in range(10)}

SOURCES = {
    "plain": bytes(10_000),
    **{name: pack(bytes(10_000)) for name, pack in STREAMS.items()},
    "zip": zipped(TEN),
    "7z": sevens.plain(TEN),
    "tar": tarred(TEN),
}


@pytest.mark.parametrize("name", SOURCES)
def test_bytes_are_counted_over_all_members_and_once(tmp_path: Path, name: str) -> None:
    packed = SOURCES[name]
    # `opened` reads everything twice.
    assert sum(len(data) for _, data in opened(tmp_path, packed, max_bytes=10_000)) == 10_000
    assert fault(tmp_path, packed, max_bytes=9_999) == "unpacked_too_large"
    assert fault(tmp_path, packed, max_unpacked_bytes=9_999) == "unpacked_too_large"


@pytest.mark.parametrize("name", STREAMS)
def test_what_lies_within_a_tar_in_a_stream_is_counted_once(tmp_path: Path, name: str) -> None:
    tar = tarred(TEN)
    assert len(opened(tmp_path, STREAMS[name](tar), max_bytes=len(tar))) == 10
    assert fault(tmp_path, STREAMS[name](tar), max_bytes=len(tar) - 1) == "unpacked_too_large"


def test_members_that_are_not_taken_are_not_read(tmp_path: Path) -> None:
    assert len(opened(tmp_path, zipped(TEN), members="0.csv", max_bytes=1_000)) == 1


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"max_unpacked_bytes": 9_999}, "unpacked_too_large"),
        ({"max_ratio": 2}, "unpack_ratio_too_high"),
        ({"max_members": 9}, "too_many_members"),
        ({"max_depth": 1}, "packed_too_deep"),
    ],
)
def test_a_goal_can_only_be_stricter_than_the_operator(tmp_path: Path, setting: dict[str, int], code: str) -> None:
    packed = gzip.compress(tarred(TEN))
    limits = Limits(free_bytes=0)
    assert fault(tmp_path, packed, limits=limits, **setting) == code
    assert fault(tmp_path, packed, limits=limits) == ""
    generous = {"max_unpacked_bytes": 1 << 40, "max_ratio": 1_000_000, "max_members": 1_000_000, "max_depth": 100}
    assert fault(tmp_path, packed, limits=limits, max_bytes=9_999, **generous) == "unpacked_too_large"
    assert fault(tmp_path, packed, limits=Limits(max_ratio=2, free_bytes=0), **generous) == "unpack_ratio_too_high"
    assert fault(tmp_path, packed, limits=Limits(max_members=9), **generous) == "too_many_members"
    assert fault(tmp_path, packed, limits=Limits(max_depth=1), **generous) == "packed_too_deep"


@pytest.mark.parametrize("name", STREAMS)
def test_what_packs_denser_may_grow_further(tmp_path: Path, name: str) -> None:
    table = b"".join(b"person%d@example.com" % number + b"," * 999 + b"\n" for number in range(3_000))
    packed = STREAMS[name](table)
    assert fault(tmp_path, packed, limits=Limits(free_bytes=0)) == ""
    assert fault(tmp_path, packed, limits=Limits(free_bytes=0), max_ratio=100) == "unpack_ratio_too_high"
    assert fault(tmp_path, packed, limits=Limits(max_ratio=100, max_dense_ratio=100, free_bytes=0)) != ""


def test_a_failure_comes_no_later_than_one_reading_after_the_limit(tmp_path: Path) -> None:
    (tmp_path / "arrived").write_bytes(gzip.compress(bytes(1 << 20)))
    with (
        open_members(tmp_path / "arrived", Unpack(), workspace=tmp_path, max_bytes=500_000) as members,
        members[0].open() as source,
    ):
        for _ in range(5):
            assert len(source.read(100_000)) == 100_000
        with pytest.raises(UnpackedTooLarge, match="500000"):
            source.read(100_000)


def test_nothing_is_written_under_a_name_from_an_archive(tmp_path: Path) -> None:
    inner = zipped({"secret name.csv": b"x"})
    (tmp_path / "arrived").write_bytes(zipped({"inner name.zip": inner}))
    place = tmp_path / "workspace"
    place.mkdir()
    with open_members(tmp_path / "arrived", Unpack(), workspace=place, max_bytes=1 << 20) as members:
        assert [member.name for member in members] == ["inner name.zip/secret name.csv"]
        kept = members[0].as_file()
        assert kept.read_bytes() == b"x"
        assert members[0].as_file() == kept
        assert read(members[0]) == b"x"
        written = [path.relative_to(place).as_posix() for path in place.rglob("*")]
        assert written
        assert not any("name" in path for path in written)
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in place.iterdir())
    assert list(place.iterdir()) == []


def test_how_a_file_was_packed_and_what_was_passed_over_is_told(tmp_path: Path) -> None:
    (tmp_path / "arrived").write_bytes(gzip.compress(tarred({"a.csv": b"a", "b.txt": b"b", "c.txt": b"c"})))
    how = Unpack(members="*.csv")
    with open_members(tmp_path / "arrived", how, workspace=tmp_path, max_bytes=1 << 20) as members:
        assert members.packing == ("gzip", "tar")
        assert members.passed_over == 2
        assert members[0].size_bytes == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"compression": "rar"},
        {"members": ""},
        {"members": "a\nb"},
        {"max_depth": 0},
        {"max_ratio": -1},
        {"unknown": 1},
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Unpack.model_validate(settings)


def test_goals_that_were_stored_before_are_read() -> None:
    assert Unpack.model_validate({"compression": "auto"}) == Unpack()
    assert Unpack.model_validate({"compression": "gzip"}).members == "*"
