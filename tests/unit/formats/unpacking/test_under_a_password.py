"""Whether a file came under a password is known once it is open: what was in it must not go back in the clear."""

import gzip
from pathlib import Path

import pytest

from shared.domain.unpack import Unpack
from shared.formats.unpacking.members import open_members
from tests.unit.formats.unpacking.packing import seven_zipped, tarred, zipped, zipped_with_aes

FILES = {"a.csv": b"email\na@b.example\n"}
SECRET = "sécret"


@pytest.mark.parametrize(
    ("packed", "had_password"),
    [
        (FILES["a.csv"], False),
        (gzip.compress(FILES["a.csv"]), False),
        (zipped(FILES), False),
        (seven_zipped(FILES), False),
        (zipped_with_aes(FILES, SECRET), True),
        (seven_zipped(FILES, password=SECRET), True),
        (gzip.compress(zipped_with_aes(FILES, SECRET)), True),
        (zipped_with_aes({"inner.tar": tarred(FILES)}, SECRET), True),
        (tarred({"inner.zip": zipped_with_aes(FILES, SECRET)}), True),
    ],
)
def test_a_password_is_told_wherever_it_was(tmp_path: Path, packed: bytes, had_password: bool) -> None:
    file = tmp_path / "packed"
    file.write_bytes(packed)
    with open_members(file, Unpack(), workspace=tmp_path, max_bytes=1 << 20, passwords=["wrong", SECRET]) as members:
        assert members.had_password is had_password
