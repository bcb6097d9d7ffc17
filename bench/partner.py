"""A partner's OpenSSH server on this machine, in a folder that its own user may enter."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.openssh import PrivateOpenSSH


@contextmanager
def partner_server() -> Iterator[PrivateOpenSSH]:
    """Running while inside; it and its files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tidegate-partner-") as name:
        partner = PrivateOpenSSH(Path(name))
        partner.start()
        try:
            yield partner
        finally:
            partner.stop()
