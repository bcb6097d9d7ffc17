"""A private OpenSSH server that stands for a partner's: one user, one drop place, host keys that can change.

As root the user `partner` exists only inside the server's own mount namespace, where /etc/passwd and /etc/shadow are
files of ours: passwords are checked by the real sshd and the machine learns of no new user. Elsewhere the user is
whoever runs the tests, who enters by key alone; `password` is None then.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.real.ports import free_port

SSHD = Path("/usr/sbin/sshd")
HOST = "127.0.0.1"
PARTNER = "partner"
PARTNER_ID = 64_999
KEY_TYPES = ("ed25519", "ecdsa", "rsa")
START_SECONDS = 20.0

CONFIGURATION = """
Port {port}
ListenAddress {host}
PidFile none
UsePAM no
UseDNS no
StrictModes no
MaxStartups 200
LoginGraceTime 30
AllowTcpForwarding no
PubkeyAuthentication yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
AuthorizedKeysFile {folder}/authorized_keys
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d {drop} {options}
"""

# Nothing of this is seen outside: the namespace ends with the server. sshd wants /run/sshd, which a machine that never
# started the packaged service does not have.
_IN_NAMESPACE = (
    "mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/shadow /etc/shadow && "
    "mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec {command}"
)


class PrivateOpenSSH:
    """An sshd below `folder`, which everybody may enter; files that are dropped lie in `drop`."""

    def __init__(
        self,
        folder: Path,
        *,
        authentication: str = "any",
        settings: Sequence[str] = (),
        host: str = HOST,
        port: int | None = None,
        username: str = PARTNER,
        password: str | None = None,
    ) -> None:
        """`authentication` is sshd's AuthenticationMethods, for instance "publickey,password" to demand both.

        `settings` are more lines of its configuration, which go before ours; `username` and `password` are the user's
        where it is one of our own.
        """
        self.folder = folder
        self.drop = folder / "drop"
        self.host = host
        self.port = port or free_port()
        self.log = folder / "sshd.log"
        self.client_key = folder / "client_key"
        self._authentication = authentication
        self._settings = list(settings)
        self._options = ""
        self._namespace = _may_unshare()
        self.username = username if self._namespace else pwd.getpwuid(os.geteuid()).pw_name
        self.password = (password or secrets.token_urlsafe(12)) if self._namespace else None
        self._process: psutil.Popen | None = None
        self._furnish()

    def start(self) -> None:
        """Start and return once the server greets."""
        command = [str(SSHD), "-D", "-e", "-f", str(self._configure())]
        if self._namespace:
            script = _IN_NAMESPACE.format(folder=self.folder, command=" ".join(command))
            command = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script]
        elif os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._await_greeting(time.monotonic() + START_SECONDS)

    def stop(self) -> None:
        """End the server and every session of it."""
        if self._process is None:
            return
        everyone = _stopped_tree(self._process)
        for process in everyone:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(10)
        psutil.wait_procs(everyone[1:], timeout=10)
        self._process = None

    def restart(self) -> None:
        """Cut every session and start again on the same port."""
        self.stop()
        self.start()

    def deny(self, *requests: str) -> None:
        """Grant nobody these requests (`sftp-server -Q requests`), or all again; cuts every session."""
        self._options = f"-P {','.join(requests)}" if requests else ""
        self.restart()

    def change_host_keys(self, *types: str) -> None:
        """Give the server new host keys, of all types where none is named; they are shown from the next start on."""
        for key in self.folder.glob("host_*"):
            key.unlink()
        for kind in types or KEY_TYPES:
            _make_key(kind, self.folder / f"host_{kind}")

    def host_keys(self) -> list[str]:
        """The public halves in OpenSSH's one-line format, without comments."""
        files = sorted(self.folder.glob("host_*.pub"))
        return [" ".join(file.read_text(encoding="utf-8").split()[:2]) for file in files]

    def put(self, name: str, content: bytes) -> Path:
        """Lay a file into the drop place as if the user had written it there."""
        path = self.drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if self._namespace:
            for owned in (path.parent, path):
                os.chown(owned, PARTNER_ID, PARTNER_ID)
        return path

    def _furnish(self) -> None:
        self.folder.chmod(0o755)
        self.drop.mkdir()
        _make_key("ed25519", self.client_key)
        shutil.copy(self.client_key.with_suffix(".pub"), self.folder / "authorized_keys")
        self.change_host_keys()
        if self.password is not None:
            os.chown(self.drop, PARTNER_ID, PARTNER_ID)
            self.set_password(self.password)

    def set_password(self, password: str) -> None:
        """Give the user another password; it counts from the next login on."""
        self.password = password
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"],
            input=self.password,
            check=True,
            capture_output=True,
            text=True,
            timeout=10,
        ).stdout.strip()
        entries = {
            "passwd": f"{self.username}:x:{PARTNER_ID}:{PARTNER_ID}::{self.drop}:/bin/sh",
            "shadow": f"{self.username}:{hashed}:19000:0:99999:7:::",
        }
        for name, entry in entries.items():
            copy = self.folder / name
            copy.touch(mode=0o600 if name == "shadow" else 0o644)
            copy.write_text(f"{Path('/etc', name).read_text(encoding='utf-8').rstrip()}\n{entry}\n", encoding="utf-8")

    def _configure(self) -> Path:
        # Of two lines that say the same, sshd takes the first.
        lines = [
            *self._settings,
            CONFIGURATION.format(
                port=self.port, host=self.host, folder=self.folder, drop=self.drop, options=self._options
            ),
        ]
        lines += [f"HostKey {key.with_suffix('')}" for key in sorted(self.folder.glob("host_*.pub"))]
        lines += [f"AuthenticationMethods {self._authentication}"]
        path = self.folder / "sshd_config"
        # From 9.8 on sshd shuts an address out after a few failed logins, and all our tests come from one.
        if _knows(path, "PerSourcePenalties no"):
            lines.append("PerSourcePenalties no")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _await_greeting(self, until: float) -> None:
        assert self._process is not None
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection((self.host, self.port), timeout=1) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise TimeoutError(f"sshd does not greet on port {self.port}; its log: {self.log.read_text(encoding='utf-8')}")


def _stopped_tree(root: psutil.Process) -> list[psutil.Process]:
    """A process and all below it, none of which can fork any more.

    sshd forks a session's process after it has told the client of its success: who kills what a listing showed
    leaves that one behind, and the session with it.
    """
    found: list[psutil.Process] = []
    fresh = [root]
    while fresh:
        for process in fresh:
            # A session's process may end by itself between the listing and its turn.
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        found += fresh
        fresh = [process for process in root.children(recursive=True) if process not in found]
    return found


def _may_unshare() -> bool:
    """Whether we are root and may have a mount namespace, which containers often forbid."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("openssl") is None:
        return False
    probe = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/run"]
    return subprocess.run(probe, check=False, capture_output=True, timeout=10).returncode == 0


def _make_key(kind: str, path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def _knows(path: Path, option: str) -> bool:
    path.write_text(option + "\n", encoding="utf-8")
    tried = subprocess.run([str(SSHD), "-G", "-f", str(path)], check=False, capture_output=True, timeout=10)
    return tried.returncode == 0
