"""What the hosted WebDAV server proves itself with: the operator's certificate and key, read again when they change."""

import asyncio
import ssl
from pathlib import Path

import structlog

from shared.runtime.settings import SettingsError

LOOK_SECONDS = 30.0

log = structlog.get_logger()


class Certificate:
    """A certificate with its chain, and its private key, in PEM; in one file or in two."""

    def __init__(self, certificate: Path, key: Path | None) -> None:
        """Raises SettingsError where they cannot be used."""
        self._files = (certificate, key)
        self._seen = self._look()
        try:
            self.context = self._loaded()
        except (OSError, ValueError) as error:
            raise SettingsError(
                "TIDEGATE_WEBDAV_CERTIFICATE_FILE and TIDEGATE_WEBDAV_KEY_FILE: expected a certificate and the private "
                f"key that belongs to it, in PEM, without passphrase; found {type(error).__name__}."
            ) from error

    async def keep_fresh(self, seconds: float = LOOK_SECONDS) -> None:
        """Show what lies in the files from its next connection on, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            seen = await asyncio.to_thread(self._look)
            if seen != self._seen and await asyncio.to_thread(self._taken):
                self._seen = seen

    def _taken(self) -> bool:
        """Whether they could be taken. First into a context of its own: files are replaced one after the other."""
        try:
            self._loaded()
            self._load(self.context)
        except (OSError, ValueError) as error:
            log.warning("webdav.certificate_unusable", found=type(error).__name__)
            return False
        log.info("webdav.certificate_taken")
        return True

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        # Without a passphrase: who asks for one would ask on the terminal.
        context.load_cert_chain(*self._files, password="")

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        try:
            found = [file.stat() for file in self._files if file is not None]
        except OSError:
            return ()
        return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in found)
