"""What checksums and manifests of strangers say, and what is refused of them."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.announced import MAX_BYTES, MAX_NAMES, Entry, checksum_of, entries_of
from shared.domain.names import from_bytes
from shared.formats.packing.told import checksum

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    "content",
    [
        f"{A}  x.csv\n",
        f"{A} *x.csv",
        f"{A.upper()}\tx.csv\r\n",
        f"\ufeff{A}  x.csv\n",
        f"{A}\n",
        f"# made by hand\n\n{A}  ./x.csv\n",
        f"{A}  /srv/out/x.csv\n",
        f"SHA256 (x.csv) = {A}\n",
        f"{B}  y.csv\n{A}  x.csv\n",
        f"{A}  x.csv\n{A}  x.csv\n",
    ],
)
def test_a_checksum_is_read_as_it_is_written(content: str) -> None:
    assert checksum_of(content.encode(), "x.csv") == A


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", "says nothing of 'x.csv'"),
        (f"{A}  y.csv\n".encode(), "says nothing of 'x.csv'"),
        (f"{A}  x.csv\n{B}  x.csv\n".encode(), "two things of 'x.csv'"),
        (f"{A}  in/x.csv\n{B}  in/y.csv\n".encode(), "says nothing"),
        (b"d41d8cd98f00b204e9800998ecf8427e  x.csv\n", "hash of 32 digits"),
        (b"%s  x.csv\n" % (b"a" * 128), "hash of 128 digits"),
        (f"MD5 (x.csv) = {A}\n".encode(), "another hash"),
        (b"hello, world", "line 1 is no hash"),
        (f"{A}  x.csv\n".encode("utf-16"), "no text"),
        (f"{A}  x.csv\n".encode("utf-16-le"), "no text"),
        (bytes(range(256)) * 40, "no text"),
        (b"a" * (MAX_BYTES + 1), f"more than {MAX_BYTES} bytes"),
    ],
)
def test_what_cannot_be_used_is_told(content: bytes, flaw: str) -> None:
    with pytest.raises(ValueError, match=flaw):
        checksum_of(content, "x.csv")


def test_a_manifest_of_ours_and_a_list_of_sha256sum_say_the_same() -> None:
    files = [{"name": "x.csv", "rows": 1, "bytes": 3, "sha256": A}, {"name": "ä.csv"}]
    ours = json.dumps({"goal": "g", "files": files}).encode()
    assert entries_of(ours, "m.json") == {"x.csv": Entry(3, A), "ä.csv": Entry()}
    listed = f"{A}  ./x.csv\n{B}  ä.csv\n{B}  SHA256SUMS\n".encode()
    assert entries_of(listed, "SHA256SUMS") == {"x.csv": Entry(None, A), "ä.csv": Entry(None, B)}


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"\n", "names no file"),
        (f"{A}  SHA256SUMS\n".encode(), "names no file"),
        (f"{A}  ../../etc/passwd\n".encode(), r"names '\.\./\.\./etc/passwd'"),
        (f"{A}  sub/x.csv\n".encode(), "expected names of files beside it"),
        (f"{A}  ..\n".encode(), "expected a relative path"),
        (f"{A}  {'x' * 300}\n".encode(), "more than 255"),
        (f"{A}  x\n{B}  x\n".encode(), "two things"),
        (b"{", "begins like JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "without a list of 'files'"),
        (b'{"files": {}}', "without a list"),
        (b'{"files": [1]}', "file 1 has no 'name'"),
        (b'{"files": [{"name": "a/b"}]}', "expected names of files beside it"),
        (b'{"files": [{"name": "a\\u0000"}]}', "NUL"),
        (b'{"files": [{"name": "a", "bytes": -1}]}', "no size"),
        (b'{"files": [{"name": "a", "bytes": 1.5}]}', "no size"),
        (b'{"files": [{"name": "a", "sha256": "00"}]}', "hash of 2 digits"),
        (b'{"files": [{"name": "\\ud800"}]}', "no text"),
        (b'{"files": [{"name": "a", "bytes": %s}]}' % (b"9" * 5_000), "JSON"),
        (json.dumps({"files": [{"name": f"{n}"} for n in range(MAX_NAMES + 1)]}).encode(), f"more than {MAX_NAMES}"),
        (b"".join(b"%s  %d\n" % (A.encode(), n) for n in range(100_000))[:MAX_BYTES], f"more than {MAX_NAMES} files"),
    ],
)
def test_a_hostile_manifest_is_told_and_bounded(content: bytes, flaw: str) -> None:
    with pytest.raises(ValueError, match=flaw):
        entries_of(content, "SHA256SUMS")


@given(st.binary(max_size=300))
def test_whatever_is_sent_is_read_or_told(content: bytes) -> None:
    for read in (checksum_of, entries_of):
        flaw = ""
        try:
            read(content, "x")
        except ValueError as error:
            flaw = str(error)
        assert flaw.isprintable()


def test_what_sha256sum_writes_of_any_name_is_read(tmp_path: Path) -> None:
    names = [b"plain.csv", b"line\nbreak", b"back\\slash", b"M\xfcller", "ä\u0308".encode(), b"two  blanks ", b"*star"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    tool = shutil.which("sha256sum")
    assert tool is not None
    for options in ([], ["--tag"]):
        command = [tool.encode(), *(each.encode() for each in options), b"--", *names]
        listed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=10).stdout
        expected = {from_bytes(name): Entry(None, hashlib.sha256(name).hexdigest()) for name in names}
        assert entries_of(listed, "SHA256SUMS") == expected
    assert checksum_of(checksum("back\\slash", A), "back\\slash") == A
