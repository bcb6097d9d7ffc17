"""A private vsftpd that stands for a partner's FTPS server: it demands TLS, and the TLS session again for data.

One user, checked by vsftpd against a list of passwords; nothing of the machine's users takes part, and no root is
needed. It knows no MLSD, shows no hidden names unless asked, and tells times by MDTM alone.
"""

import socket
from pathlib import Path

from tests.real.authority import Issued
from tests.real.ports import free_port
from tests.real.server_process import ServerProcess

VSFTPD = Path("/usr/sbin/vsftpd")
HOST = "127.0.0.1"
USERNAME = "anonymous"
PASSWORD = "open-sesame"

CONFIGURATION = """
listen=YES
listen_address={host}
listen_port={port}
background=NO
run_as_launching_user=YES
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
secure_chroot_dir={folder}/empty
local_enable=NO
anonymous_enable=YES
secure_email_list_enable=YES
email_password_file={folder}/passwords
anon_root={drop}
anon_umask=022
anon_world_readable_only=NO
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
max_login_fails=1
delay_failed_login=0
delay_successful_login=0
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
ssl_ciphers=HIGH
rsa_cert_file={certificate}
dual_log_enable=NO
xferlog_enable=YES
xferlog_std_format=NO
log_ftp_protocol=YES
vsftpd_log_file={folder}/log
"""


class PrivateVsftpd:
    """A vsftpd below `folder`; files that are dropped lie in `drop`."""

    def __init__(self, folder: Path, certificate: Issued, **settings: str) -> None:
        """`settings` are vsftpd's own, beside or instead of the usual ones."""
        self.folder = folder
        self.drop = folder / "drop"
        self.port = free_port()
        self.certificate = certificate
        self._settings = settings
        self._process = ServerProcess((str(VSFTPD), str(folder / "vsftpd.conf")), folder / "out")
        for directory in (self.drop, folder / "empty"):
            directory.mkdir()
        (folder / "passwords").write_text(f"{PASSWORD}\n")
        (folder / "log").touch()

    def start(self) -> None:
        """Start and return once the server greets."""
        text = CONFIGURATION.format(
            host=HOST, port=self.port, folder=self.folder, drop=self.drop, certificate=self.certificate.path
        )
        settings = dict(line.split("=", 1) for line in text.split()) | self._settings
        configuration = self.folder / "vsftpd.conf"
        configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        # It refuses a configuration that others may write.
        configuration.chmod(0o600)
        self._process.start(self._greets)

    def stop(self) -> None:
        """End the server and every session of it."""
        self._process.stop()

    def put(self, name: str, content: bytes) -> Path:
        """Lay a file into the drop place."""
        path = self.drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def said(self) -> str:
        """The protocol as the server saw it; passwords are not in it."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def _greets(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                # By implicit TLS it greets after the handshake; that it accepts must do.
                return self._settings.get("implicit_ssl") == "YES" or connection.recv(3) == b"220"
        except OSError:
            return False
