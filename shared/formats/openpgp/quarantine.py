"""Where content waits until it has proved to be what it should be: beside its target, counted, gone on any failure."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from shared.domain.failures import UnpackedTooLarge, UnpackRatioTooHigh
from shared.formats.openpgp.limits import Limits


class Quarantine:
    """Content that is not to be believed yet: counted as it grows, gone unless it is accepted."""

    def __init__(self, file: BinaryIO, path: Path, accept: Callable[[], object], limits: tuple[int, int]) -> None:
        self._file = file
        self._accept = accept
        self._max_bytes, self._honest_bytes = limits
        self._seen = 0
        self.directory = path.parent

    def begin(self) -> None:
        """Begin anew, with nothing in it."""
        self._file.seek(0)
        self._file.truncate()
        self._seen = 0

    def keep(self, chunk: bytes) -> None:
        """Add to it. Raises UnpackedTooLarge, UnpackRatioTooHigh."""
        self._seen += len(chunk)
        self.check(self._seen)
        self._file.write(chunk)

    def check(self, size: int) -> None:
        """Judge so much content before it is there. Raises UnpackedTooLarge, UnpackRatioTooHigh."""
        if size > self._max_bytes:
            raise UnpackedTooLarge(f"Found more than {self._max_bytes} bytes in an OpenPGP message.")
        if size > self._honest_bytes:
            raise UnpackRatioTooHigh(f"Found more than {self._honest_bytes} bytes in an OpenPGP message.")

    def accept(self) -> None:
        """It is what it should be: let it take its place."""
        self._file.flush()
        self._accept()


@contextmanager
def quarantined(path: Path, target: Path, limits: Limits, *, is_plain: bool = False) -> Iterator[Quarantine]:
    """A quarantine beside a target, for what comes of a file; `is_plain` where that is to be encrypted."""
    place = target.with_name(f"{target.name}.quarantine")
    size = path.stat().st_size
    # What is encrypted grows by a few bytes in each thousand.
    honest = size + size // 8 + (1 << 20) if is_plain else limits.honest_bytes(size)
    try:
        with open(place, "xb", opener=_private) as file:
            bounds = (max(limits.output_bytes, honest) if is_plain else limits.output_bytes, honest)
            yield Quarantine(file, place, lambda: place.replace(target), bounds)
    finally:
        place.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
