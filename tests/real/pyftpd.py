"""pyftpdlib's FTPS server in a thread: it knows MLSD, and is easily made to say what servers should not."""

import threading
from pathlib import Path

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from tests.real.authority import Issued

HOST = "127.0.0.1"
USERNAME = "partner"
PASSWORD = "open sesame"


class Pyftpd:
    """A server for one user; `handler` is what speaks for it, `more` its settings."""

    def __init__(
        self, root: Path, certificate: Issued, handler: type[TLS_FTPHandler] = TLS_FTPHandler, **more: object
    ) -> None:
        authorizer = DummyAuthorizer()
        authorizer.add_user(USERNAME, PASSWORD, str(root), perm="elradfmwMT")
        settings = {
            "certfile": str(certificate.path),
            "authorizer": authorizer,
            "tls_control_required": True,
            "tls_data_required": True,
            "ssl_context": None,
            "auth_failed_timeout": 0,
            "use_sendfile": False,
            "unicode_errors": "surrogateescape",  # names are bytes
            **more,
        }
        self._server = FTPServer((HOST, 0), type("Own", (handler,), settings), ioloop=IOLoop())
        self.port: int = self._server.address[1]
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="pyftpd", daemon=True)

    def __enter__(self) -> "Pyftpd":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ending.set()
        self._thread.join(10)
        self._server.close_all()

    def _serve(self) -> None:
        while not self._is_ending.is_set():
            self._server.serve_forever(timeout=0.02, blocking=False, handle_exit=False)
