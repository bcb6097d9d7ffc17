"""Change a 7z whose header is in the clear, and set its checksums right again (7zFormat.txt)."""

import io
import zlib
from collections.abc import Callable
from struct import pack, unpack

import py7zr


def changed(packed: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The same archive with its header as `change` makes it."""
    offset, length = unpack("<QQ", packed[12:28])
    return with_header(packed[32 : 32 + offset], change(packed[32 + offset : 32 + offset + length]))


def with_header(contents: bytes, header: bytes) -> bytes:
    """An archive of these packed contents and this header."""
    start = pack("<QQI", len(contents), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + pack("<I", zlib.crc32(start)) + start + contents + header


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """A change of one place in a header."""

    def change(header: bytes) -> bytes:
        assert header.count(old) == 1
        return header.replace(old, new)

    return change


def plain(files: dict[str, bytes]) -> bytes:
    """A 7z of LZMA2 with its header in the clear."""
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}]) as archive:
        archive.set_encoded_header_mode(False)
        for name, data in files.items():
            archive.writestr(data, name)
    return target.getvalue()
