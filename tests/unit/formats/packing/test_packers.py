"""What is packed here is opened by programs that nobody here wrote, and by our own reader; memory stays bounded."""

import gzip
import hashlib
import io
import random
import subprocess
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import pyzipper
from backports import zstd

from shared.domain.packing import Packing
from shared.formats.packing.packers import packed
from tests.unit.formats.unpacking.opening import opened

NOW = datetime(2026, 11, 22, 5, 0, 2, tzinfo=UTC)
CONTENT = random.Random(1).randbytes(3000) + b"email;name\nann@example.com;\xc3\x84nn\n" * 100_000
PASSWORDS = ["hush", "p ä ß 水 '\"$"]


def pack(place: Path, kind: str, content: bytes = CONTENT, password: str | None = None) -> bytes:
    source = place / "plain"
    source.write_bytes(content)
    how = Packing.model_validate({"compression": kind, "password_id": None if password is None else uuid4()})
    chunks = packed(source, how, name="contäcts.csv", modified_at=NOW, password=password)
    return b"".join(chunks)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT], ids=["nothing", "a byte", "much"])
@pytest.mark.parametrize("kind", ["gzip", "zip", "zstd"])
def test_what_is_packed_is_opened_by_others_and_by_us(tmp_path: Path, kind: str, content: bytes) -> None:
    found = pack(tmp_path, kind, content)
    if kind == "gzip":
        assert gzip.decompress(found) == content
    elif kind == "zstd":
        assert zstd.decompress(found) == content
    else:
        with zipfile.ZipFile(io.BytesIO(found)) as archive:
            assert archive.testzip() is None
            (entry,) = archive.infolist()
            assert (entry.filename, entry.date_time) == ("contäcts.csv", (2026, 11, 22, 5, 0, 2))
            assert archive.read(entry) == content
    place = tmp_path / "reader"
    place.mkdir()
    assert [data for _, data in opened(place, found)] == [content]


@pytest.mark.parametrize("kind", ["gzip", "zip", "zstd"])
def test_the_same_content_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    assert pack(tmp_path, kind) == pack(tmp_path, kind)


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_zip_under_a_password_is_opened_by_two_other_programs_and_by_us(tmp_path: Path, password: str) -> None:
    found = pack(tmp_path, "zip", password=password)
    assert b"ann@example" not in found
    with pyzipper.AESZipFile(io.BytesIO(found)) as archive:
        archive.setpassword(password.encode())
        (entry,) = archive.infolist()
        assert (entry.wz_aes_strength, entry.wz_aes_version, entry.CRC) == (3, 2, 0), "AES-256, and AE-2 tells no CRC"
        assert archive.read(entry) == CONTENT
    place = tmp_path / "reader"
    place.mkdir()
    assert opened(place, found, passwords=["other", password]) == [("contäcts.csv", CONTENT)]
    assert found != pack(tmp_path, "zip", password=password), "a new salt each time"


def test_packing_holds_no_file_in_memory(tmp_path: Path) -> None:
    source = tmp_path / "plain"
    block = random.Random(2).randbytes(1 << 20)
    with source.open("wb") as file:
        for _ in range(24):
            file.write(block)
    for kind, password in (("gzip", None), ("zstd", None), ("zip", "hush")):
        how = Packing.model_validate({"compression": kind, "password_id": None if password is None else uuid4()})
        digest = hashlib.sha256()
        tracemalloc.start()
        for chunk in packed(source, how, name="a.csv", modified_at=NOW, password=password):
            digest.update(chunk)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 12 << 20, kind


def test_a_gzip_is_taken_by_gzips_own_program_and_tells_no_time(tmp_path: Path) -> None:
    found = pack(tmp_path, "gzip")
    assert found[4:8] == bytes(4)
    told = subprocess.run(["gzip", "-dc"], input=found, capture_output=True, timeout=60, check=True)
    assert told.stdout == CONTENT
