"""A byte that was changed on the way gives a failure by name or the right bytes: never others, never a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.failures import Failure
from tests.unit.formats.unpacking import sevens
from tests.unit.formats.unpacking.opening import Found, opened
from tests.unit.formats.unpacking.packing import (
    STREAMS,
    seven_zipped,
    tarred,
    zipped,
    zipped_streaming,
    zipped_with_aes,
)

FILES = {"a.csv": b"email,name\n" + b"a@example.com,x\n" * 20, "sub/b.csv": b"hello world\n"}
SECRET = "secret"
EVERY = 3
"""How many bytes lie between two changes, so that the suite stays short; all of them were tried once."""

ARCHIVES: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zipped(FILES),
    "zip, streamed": lambda: zipped_streaming(FILES),
    "zip, AES": lambda: zipped_with_aes(FILES, SECRET),
    "7z": lambda: sevens.plain(FILES),
    "7z, header packed": lambda: seven_zipped(FILES),
    "tar": lambda: tarred(FILES)[:3_584],
}


def outcome(place: Path, packed: bytes, compression: str) -> Found | None:
    try:
        return opened(place, packed, compression=compression, passwords=[SECRET], max_bytes=1 << 20)
    except Failure:
        return None


@pytest.mark.parametrize("name", STREAMS)
def test_a_damaged_stream_is_never_read_as_another(tmp_path: Path, name: str) -> None:
    text = FILES["a.csv"]
    packed = STREAMS[name](text)
    outcomes = [outcome(tmp_path, damaged, name) for damaged in every_damage(packed)]
    assert [found for found in outcomes if found not in (None, [(None, text)])] == []
    assert outcomes.count(None) > len(outcomes) // 2


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_damaged_archive_is_never_read_as_another(tmp_path: Path, name: str) -> None:
    packed = ARCHIVES[name]()
    right: Found = sorted(FILES.items())
    outcomes = [outcome(tmp_path, damaged, name.split(",")[0]) for damaged in every_damage(packed)]
    assert outcomes.count(None) > len(outcomes) // 4
    if name == "tar":
        # It has checksums on its headers alone: other contents cannot be told from the right ones.
        right = [(path, bytes(len(data))) for path, data in right]
        outcomes = [found and [(path, bytes(len(data))) for path, data in found] for found in outcomes]
    assert [found for found in outcomes if found not in (None, right)] == []


@pytest.mark.parametrize("name", [*STREAMS, *ARCHIVES])
def test_what_was_cut_off_is_never_read_as_whole(tmp_path: Path, name: str) -> None:
    packed = STREAMS[name](FILES["a.csv"]) if name in STREAMS else ARCHIVES[name]()
    whole = outcome(tmp_path, packed, name.split(",")[0])
    for length in range(0, len(packed), max(EVERY * 5, len(packed) // 50)):
        found = outcome(tmp_path, packed[:length], name.split(",")[0])
        # Of a tar's two zero blocks at the end, one may be missing.
        assert found is None or (name == "tar" and length > len(packed) - 1_024 and found == whole), length


def every_damage(packed: bytes) -> list[bytes]:
    """The same with one byte changed, at many places; of a tar's zeros only at some."""
    return [packed[:at] + bytes([packed[at] ^ 1 << at % 8]) + packed[at + 1 :] for at in range(0, len(packed), EVERY)]


@pytest.mark.parametrize("name", ["zip", "7z", "7z, header packed", "tar"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=9), st.integers(0, 9)), max_size=5)
)
def test_whatever_an_archive_says_no_library_is_heard(
    tmp_path: Path, name: str, changes: list[tuple[int, bytes, int]]
) -> None:
    packed = ARCHIVES[name]()
    for at, new, length in changes:
        packed = packed[:at] + new + packed[at + length :]
    if name.startswith("7z") and len(packed) > 32:
        # With right checksums, so that the header is read at all.
        offset = int.from_bytes(packed[12:20], "little")
        packed = sevens.with_header(packed[32 : 32 + offset], packed[32 + offset :])
    outcome(tmp_path, packed, name.split(",")[0])
