"""A 7z is read by its header, and its header is not believed more than it can hold."""

from collections.abc import Callable
from pathlib import Path
from struct import pack

import py7zr
import pytest

from tests.unit.formats.unpacking import sevens
from tests.unit.formats.unpacking.opening import fault, opened
from tests.unit.formats.unpacking.packing import seven_zipped
from tests.unit.formats.unpacking.sevens import changed, replaced, with_header

TEXT = b"a,b\n1,2\n"
PLAIN = sevens.plain({"a.csv": TEXT, "b.csv": b"more\n"})
A_CSV = "a.csv\0".encode("utf-16-le")
LZMA2 = b"\x01\x21\x21\x01\x10"
"""One coder with properties, its number and its dictionary of 1 MiB."""
HUGE = b"\xff" + pack("<Q", 1 << 40)
ATTRIBUTES = b"\x15\x06\x01\x00" + pack("<I", 0x81808020)


def named(name: str) -> Callable[[bytes], bytes]:
    """Another name of as many letters."""
    return replaced(A_CSV, (name + "\0").encode("utf-16-le"))


def with_attributes(attributes: int) -> Callable[[bytes], bytes]:
    return replaced(ATTRIBUTES, ATTRIBUTES[:4] + pack("<I", attributes))


FAULTS: dict[str, tuple[bytes, str]] = {
    "cut off": (PLAIN[:-1], "damaged_archive"),
    "cut off early": (PLAIN[:20], "damaged_archive"),
    "bytes behind its end": (PLAIN + b"hidden", "archive_extra_bytes"),
    "damaged start": (PLAIN[:13] + b"\1" + PLAIN[14:], "damaged_archive"),
    "damaged header": (PLAIN[:-3] + b"\1" + PLAIN[-2:], "damaged_archive"),
    "damaged content": (PLAIN[:36] + b"X" + PLAIN[37:], "damaged_archive"),
    "header of a terabyte": (
        with_header(b"", b"\x17\x06\x00\x01\x09\x00\x00\x07\x0b\x01\x00" + LZMA2 + b"\x0c" + HUGE + b"\x00\x00"),
        "too_many_members"),
    "content beyond its end": (changed(PLAIN, replaced(b"\x06\x00\x01\x09\x11", b"\x06\x00\x01\x09\x7f")),
        "archive_members_overlap"),
    "a trillion files": (with_header(b"", b"\x01\x05" + HUGE + b"\x00\x00"), "too_many_members"),
    "more files than the header is long": (with_header(b"", b"\x01\x05\x8f\xff\x00\x00"), "damaged_archive"),
    "ten thousand files in each of ten thousand rows": (
        with_header(b"", b"\x01\x04\x06\x00\x02\x09\x00\x00\x00\x07\x0b\x02\x00" + b"\x01\x01\x00" * 2
                    + b"\x0c\x00\x00\x00\x08\x0d" + b"\xa7\x10" * 2 + b"\x00\x00\x00"), "too_many_members"),
    "more than 10,000 files": (with_header(b"", b"\x01\x05\xc0\x20\x4e" + b"\x00" * 9_000), "too_many_members"),
    "a trillion packed streams": (with_header(b"", b"\x01\x04\x06\x00" + HUGE + b"\x00\x00\x00"), "too_many_members"),
    "a trillion rows": (with_header(b"", b"\x01\x04\x07\x0b" + HUGE + b"\x00\x00\x00"), "too_many_members"),
    "five packings over": (
        with_header(b"", b"\x01\x04\x06\x00\x01\x09\x00\x00\x07\x0b\x01\x00\x05" + b"\x00" * 20),
        "packing_not_supported"),
    "a step with two streams": (
        with_header(b"", b"\x01\x04\x06\x00\x01\x09\x00\x00\x07\x0b\x01\x00\x01\x14\x03\x03\x01\x1b\x04\x01"),
        "packing_not_supported"),
    "a name less": (changed(PLAIN, replaced(b"\x05\x02", b"\x05\x03")), "damaged_archive"),
    "a dictionary of four gigabytes": (
        changed(PLAIN, replaced(LZMA2, LZMA2[:-1] + b"\x28")), "unpacking_needs_memory"),
    "an impossible dictionary": (changed(PLAIN, replaced(LZMA2, LZMA2[:-1] + b"\x29")), "damaged_archive"),
    "an unknown method": (changed(PLAIN, replaced(LZMA2, b"\x01\x21\x77\x01\x10")), "packing_not_supported"),
    "packed twice over": (
        with_header(b"\0" * 9, b"\x01\x04\x06\x00\x01\x09\x09\x00\x07\x0b\x01\x00\x02\x21\x21\x01\x10\x21\x21\x01\x10"
                    b"\x01\x00\x0c\x09\x09\x00\x00\x05\x01\x11\x0d\x00" + A_CSV + b"\x00\x00"),
        "packing_not_supported"),
    "PPMd": (
        seven_zipped({"a.csv": TEXT}, filters=[{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 16}]),
        "packing_not_supported"),
    "Brotli": (
        seven_zipped({"a.csv": TEXT}, filters=[{"id": py7zr.FILTER_BROTLI, "level": 1}]), "packing_not_supported"),
    "absolute name": (changed(PLAIN, named("/.csv")), "member_name_absolute"),
    "drive": (changed(PLAIN, named("C:csv")), "member_name_absolute"),
    "outward name": (changed(PLAIN, named("../sv")), "member_name_outward"),
    "backslash": (changed(PLAIN, named("a\\csv")), "member_name_backslash"),
    "line end": (changed(PLAIN, named("a\ncsv")), "member_name_unreadable"),
    "half a character": (
        changed(PLAIN, replaced(b"a\0.\0c\0", b"a\0\x00\xd8c\0")), "damaged_archive"),
    "the same name twice": (changed(PLAIN, named("b.csv")), "member_name_twice"),
    "link": (changed(sevens.plain({"a.csv": TEXT}), with_attributes(0xA1FF8000)), "member_is_link"),
    "link of Windows": (changed(sevens.plain({"a.csv": TEXT}), with_attributes(0x400)), "member_is_link"),
    "device": (changed(sevens.plain({"a.csv": TEXT}), with_attributes(0x21FF8000)), "member_is_device"),
    "pipe": (changed(sevens.plain({"a.csv": TEXT}), with_attributes(0x11FF8000)), "member_is_device"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_the_fault_of_a_7z_is_named(tmp_path: Path, case: str) -> None:
    packed, code = FAULTS[case]
    assert fault(tmp_path, packed, compression="7z") == code


@pytest.mark.parametrize(
    ("method", "hides_names"), [(py7zr.FILTER_LZMA2, False), (py7zr.FILTER_COPY, False), (py7zr.FILTER_LZMA2, True)]
)
def test_the_right_one_of_several_passwords_opens_a_7z(tmp_path: Path, method: int, hides_names: bool) -> None:
    filters = [{"id": method}, {"id": py7zr.FILTER_CRYPTO_AES256_SHA256}]
    packed = seven_zipped(
        {"a.csv": TEXT, "b.csv": b"more\n"}, password="sécret", header_encryption=hides_names, filters=filters
    )
    assert opened(tmp_path, packed, passwords=["wrong", "sécret"]) == [("a.csv", TEXT), ("b.csv", b"more\n")]
    assert fault(tmp_path, packed) == "archive_password_missing"
    one_wrong = fault(tmp_path, packed, passwords=["wrong"])
    # Where nothing was compressed, only the checksum at the end tells that the content is another. So it is where the
    # first byte that comes of a wrong password happens to be one that LZMA2 can begin with, as one in a hundred is.
    either = {"archive_password_wrong", "damaged_archive"}
    assert one_wrong in ({"damaged_archive"} if method == py7zr.FILTER_COPY else either)
    assert fault(tmp_path, packed, passwords=["wrong", "too"]) == "archive_password_wrong"


def test_passwords_have_an_end_too(tmp_path: Path) -> None:
    packed = sevens.plain({"a.csv": TEXT})
    aes = b"\x01\x24\x06\xf1\x07\x01\x01\x19"  # 2^25 rounds
    assert fault(tmp_path, changed(packed, replaced(LZMA2, aes)), passwords=["a", "b"]) == "packing_not_supported"


def test_a_single_file_streams_and_a_row_is_kept(tmp_path: Path) -> None:
    packed = sevens.plain({"a.csv": b""})
    assert opened(tmp_path, packed) == [("a.csv", b"")]
