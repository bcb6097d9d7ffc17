"""What is taken for an OpenPGP message by its first bytes, and what is not."""

import base64
import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.openpgp.detect import detect, message_of

KEY_ID = "0123456789ABCDEF"
PKESK = bytes((0x84, 20, 3)) + bytes.fromhex(KEY_ID) + bytes((1,)) + bytes(10)
SKESK = bytes((0x8C, 4, 4, 9, 3, 8)) + bytes((0xD2, 40, 1)) + bytes(39)
SEIPD = bytes((0xD2, 40, 1)) + bytes(39)
ONE_PASS = bytes.fromhex("900d03000a01") + bytes(9)
TEXT = "E-mail;Name\nann@shop.example;Ännchen\n"


def _armored(data: bytes, line: bytes = b"-----BEGIN PGP MESSAGE-----") -> bytes:
    return line + b"\nVersion: 1\n\n" + base64.b64encode(data) + b"\n-----END PGP MESSAGE-----\n"


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("contacts.csv", TEXT)
    return made.getvalue()


PLAIN = {
    "nothing": b"",
    "text": TEXT.encode(),
    "text in Windows-1252": TEXT.encode("cp1252"),
    "text that begins with a letter of Windows-1252": "Äpfel;Birnen\n".encode("cp1252"),
    "text in Shift-JIS": "住所;名前\n".encode("shift-jis"),
    "text in UTF-16": TEXT.encode("utf-16"),
    "text in UTF-8 with a BOM": TEXT.encode("utf-8-sig"),
    "text that speaks of messages": b"note\n-----BEGIN PGP MESSAGE-----\n",
    "text whose first field speaks of messages": b'"-----BEGIN PGP MESSAGE-----";b\n',
    "a public key": _armored(PKESK, b"-----BEGIN PGP PUBLIC KEY BLOCK-----"),
    "gzip": gzip.compress(TEXT.encode()),
    "bzip2": bz2.compress(TEXT.encode()),
    "xz": lzma.compress(TEXT.encode()),
    "zip": _zip(),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(40),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(40),
    "a compressed packet around something else": b"\xa3\x02" + zlib.compress(b"anything"),
    "a session key of no known kind": bytes((0x84, 20, 3)) + bytes(8) + bytes((99,)) + bytes(10),
}


@pytest.mark.parametrize("name", PLAIN)
def test_other_content_is_no_message(name: str) -> None:
    assert message_of(PLAIN[name]) is None


@pytest.mark.parametrize(
    ("data", "is_encrypted", "recipients", "has_passwords"),
    [
        (PKESK + SEIPD, True, (KEY_ID,), False),
        (PKESK + PKESK + SEIPD, True, (KEY_ID, KEY_ID), False),
        (SKESK, True, (), True),
        (bytes((0x84, 20, 3)) + bytes(8) + bytes((18,)) + bytes(10) + SKESK, True, ("0" * 16,), True),
        (b"\xca\x03PGP" + PKESK + SEIPD, True, (KEY_ID,), False),
        (PKESK, True, (KEY_ID,), False),
        (ONE_PASS, False, (), False),
        (b"\xa3\x01" + zlib.compress(ONE_PASS, wbits=-15), False, (), False),
        (b"\xa3\x02" + zlib.compress(ONE_PASS), False, (), False),
        (b"\xa3\x03" + bz2.compress(ONE_PASS), False, (), False),
    ],
)
def test_a_message_tells_whom_it_is_for(
    data: bytes, is_encrypted: bool, recipients: tuple[str, ...], has_passwords: bool
) -> None:
    for sent, is_armored in ((data, False), (_armored(data), True), (b"\xef\xbb\xbf\r\n" + _armored(data), True)):
        found = message_of(sent)
        assert found is not None
        told = (found.is_encrypted, found.recipients, found.has_passwords, found.is_armored)
        assert told == (is_encrypted, recipients, has_passwords, is_armored)
        assert found.hides_recipients == ("0" * 16 in recipients)


def test_what_protects_nothing_is_known_before_anything_is_opened() -> None:
    unprotected = message_of(PKESK + bytes((0xA4, 10)) + bytes(10))
    new = message_of(PKESK + bytes((0xD2, 10, 2)) + bytes(9))
    assert unprotected is not None
    assert new is not None
    assert (unprotected.data, new.data) == ("unprotected", "version 2")


def test_a_text_with_a_signature_below_it_is_a_message() -> None:
    found = message_of(b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nhello\n")
    assert found is not None
    assert (found.is_cleartext, found.is_encrypted) == (True, False)


def test_armor_that_cannot_be_read_is_a_message_all_the_same() -> None:
    for text in (b"-----BEGIN PGP MESSAGE-----\n", b"-----BEGIN PGP MESSAGE-----\n\n!!!!\n"):
        found = message_of(text)
        assert found is not None
        assert found.is_encrypted


def test_only_the_beginning_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(PKESK + bytes((0xD2, 0xFF)) + (1 << 30).to_bytes(4, "big") + b"\1")
    found = detect(path)
    assert found is not None
    assert found.recipients == (KEY_ID,)


@given(st.text())
def test_no_text_is_taken_for_a_message(text: str) -> None:
    if not text.lstrip("\ufeff \t\r\n").startswith("-----BEGIN PGP"):
        assert message_of(text.encode("utf-8", "surrogatepass")) is None


@given(st.binary(max_size=200))
def test_no_bytes_are_too_much(data: bytes) -> None:
    message_of(data)
    message_of(_armored(data))
