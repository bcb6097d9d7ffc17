"""Pack files with the libraries that everybody has, for tests that unpack them again."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import py7zr
import pyzipper
from backports import zstd

Files = Mapping[str, bytes]

STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED, **settings: Any) -> bytes:
    """A zip by the standard library."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method, **settings) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def zipped_streaming(files: Files) -> bytes:
    """A zip as it is written to a pipe: sizes and checksums behind the contents."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    target = Pipe()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            with archive.open(name, "w") as member:
                member.write(data)
    return target.getvalue()


def zipped_with_aes(files: Files, password: str, bits: int = 256) -> bytes:
    """A zip protected by WinZip's AES."""
    target = io.BytesIO()
    with pyzipper.AESZipFile(target, "w", compression=pyzipper.ZIP_DEFLATED) as archive:
        archive.setpassword(password.encode())
        archive.setencryption(pyzipper.WZ_AES, nbits=bits)
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def tarred(files: Files, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A plain tar."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()


def seven_zipped(files: Files, **settings: Any) -> bytes:
    """A 7z by py7zr; without settings as one row of LZMA2 with a filter for programs."""
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", **settings) as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return target.getvalue()
