"""A tar with more than plain files under plain names is refused, and the code says why."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.formats.unpacking.opening import fault, opened
from tests.unit.formats.unpacking.packing import tarred

TEXT = b"a,b\n1,2\n"


def tar_of(*entries: tuple[str, dict[str, Any]], **settings: Any) -> bytes:
    """A tar of entries with a content each, unlike what they are said to be."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", **settings) as archive:
        for name, facts in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(TEXT)
            for key, value in facts.items():
                setattr(entry, key, value)
            archive.addfile(entry, io.BytesIO(TEXT))
    return target.getvalue()


def with_header(change: Callable[[bytearray], None]) -> bytes:
    """A tar whose first header was changed by somebody who knows about its checksum."""
    packed = bytearray(tarred({"a.csv": TEXT}, tarfile.USTAR_FORMAT))
    change(packed)
    packed[148:156] = b" " * 8
    packed[148:156] = b"%06o\0 " % sum(packed[:512])
    return bytes(packed)


def _negative_size(packed: bytearray) -> None:
    packed[124:136] = b"\xff" * 12


def _huge_size(packed: bytearray) -> None:
    packed[124:136] = b"\x80" + (1 << 62).to_bytes(11, "big")


PAX: dict[str, Any] = {"format": tarfile.PAX_FORMAT}
GNU: dict[str, Any] = {"format": tarfile.GNU_FORMAT}

FAULTS: dict[str, tuple[bytes, str]] = {
    "symbolic link": (tar_of(("a.csv", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})), "member_is_link"),
    "hard link": (tar_of(("a.csv", {"type": tarfile.LNKTYPE, "linkname": "b.csv"})), "member_is_link"),
    "device": (tar_of(("null", {"type": tarfile.CHRTYPE})), "member_is_device"),
    "block device": (tar_of(("disk", {"type": tarfile.BLKTYPE})), "member_is_device"),
    "pipe": (tar_of(("pipe", {"type": tarfile.FIFOTYPE})), "member_is_device"),
    "GNU sparse file": (with_header(lambda packed: packed.__setitem__(156, ord("S"))), "member_is_sparse"),
    "pax sparse file": (tar_of(("a.csv", {"pax_headers": {"GNU.sparse.major": "1"}}), **PAX), "member_is_sparse"),
    "several volumes": (with_header(lambda packed: packed.__setitem__(156, ord("M"))), "packing_not_supported"),
    "absolute name": (tar_of(("/etc/passwd", {})), "member_name_absolute"),
    "outward name": (tar_of(("../a.csv", {})), "member_name_outward"),
    "outward directory": (tar_of(("a/../..", {"type": tarfile.DIRTYPE, "size": 0})), "member_name_outward"),
    "backslash": (tar_of(("a\\b.csv", {})), "member_name_backslash"),
    "long outward name": (tar_of(("../" + "a" * 200, {}), **GNU), "member_name_outward"),
    "outward name in pax": (tar_of(("a.csv", {"pax_headers": {"path": "../b.csv"}}), **PAX), "member_name_outward"),
    "line end": (tar_of(("a\n.csv", {}), **PAX), "member_name_unreadable"),
    "long name": (tar_of(("a" * 300, {}), **GNU), "member_name_too_long"),
    "endless name": (tar_of(("a" * 70_000, {}), **GNU), "member_name_too_long"),
    "the same name twice": (tar_of(("a.csv", {}), ("./a.csv", {})), "member_name_twice"),
    "size for all": (tar_of(("a.csv", {}), **PAX, pax_headers={"size": "1"}), "inconsistent_archive"),
    "size that is no number": (tar_of(("a.csv", {"pax_headers": {"size": "-8"}}), **PAX), "inconsistent_archive"),
    "size beyond the end": (tar_of(("a.csv", {"pax_headers": {"size": "99999"}}), **PAX), "damaged_archive"),
    "negative size": (with_header(_negative_size), "damaged_archive"),
    "huge size": (with_header(_huge_size), "damaged_archive"),
    "cut off": (tarred({"a.csv": TEXT * 100})[:1_000], "damaged_archive"),
    "cut off between entries": (
        tarred({"a.csv": TEXT, "b.csv": TEXT}, tarfile.USTAR_FORMAT)[:1_024], "damaged_archive"),
    "damaged in the middle": (
        tarred({"a.csv": TEXT}, tarfile.USTAR_FORMAT)[:1_024] + b"x" * 10_240, "damaged_archive"),
    "entries behind its end": (tarred({"a.csv": TEXT}) + tarred({"b.csv": TEXT}), "archive_extra_bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_the_fault_of_a_tar_is_named(tmp_path: Path, case: str) -> None:
    packed, code = FAULTS[case]
    assert fault(tmp_path, packed) == code
    assert fault(tmp_path, gzip.compress(packed), compression="tar") == code


def test_entries_are_counted_directories_too(tmp_path: Path) -> None:
    packed = tar_of(("a/", {"type": tarfile.DIRTYPE, "size": 0}), ("a/a.csv", {}), ("a/b.csv", {}))
    assert fault(tmp_path, packed, max_members=2) == "too_many_members"
    assert fault(tmp_path, packed, max_members=3) == ""


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_are_read_in_every_form(tmp_path: Path, form: int) -> None:
    name = "/".join(["folder" * 20] * 5) + "/a.csv"
    assert opened(tmp_path, tarred({name: TEXT}, form)) == [(name, TEXT)]


def test_a_header_for_all_may_carry_a_comment(tmp_path: Path) -> None:
    packed = tar_of(("a.csv", {}), **PAX, pax_headers={"comment": "made by git archive"})
    assert opened(tmp_path, packed) == [("a.csv", TEXT)]


def test_names_that_are_not_utf8_are_shown_somehow(tmp_path: Path) -> None:
    packed = tar_of(("Kätilöt.csv", {}), format=tarfile.USTAR_FORMAT, encoding="latin-1")
    assert opened(tmp_path, packed) == [("Kätilöt.csv", TEXT)]


def test_directories_are_no_members_and_may_be_named_twice(tmp_path: Path) -> None:
    folder = {"type": tarfile.DIRTYPE, "size": 0}
    assert opened(tmp_path, tar_of(("./", folder), ("a/", folder), ("a", folder), ("./a/b.csv", {}))) == [
        ("a/b.csv", TEXT)
    ]
