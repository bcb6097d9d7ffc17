"""A private Apache with mod_dav that stands for a partner's WebDAV server, by TLS on a loopback port.

One directory on disk is served under several addresses: `basic` and `digest` want that login, `looking-basic` and
`looking-digest` want it too and let it do nothing but look; `open` lets everybody look and asks for one before it takes
anything. Run by root, the server works as nobody, who owns what lies there; else
as whoever runs the tests.
"""

import base64
import hashlib
import os
import pwd
import socket
from pathlib import Path

from tests.real.authority import Issued
from tests.real.ports import free_port
from tests.real.server_process import ServerProcess

APACHE = Path("/usr/sbin/apache2")
MODULES = Path("/usr/lib/apache2/modules")
HOST = "127.0.0.1"
USERNAME, PASSWORD = "partner", 'open "sesame" \\ ü'
REALM = "Drop of Zoë's"
_SERVER_USER = "nobody"
_LOADED = (
    "mpm_event",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_user",
    "auth_basic",
    "auth_digest",
    "alias",
    "dav",
    "dav_fs",
    "ssl",
)
_CONFIGURATION = """
ServerRoot {folder}
ServerName {host}
Listen {host}:{port}
PidFile {folder}/run/apache.pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}/run
Mutex file:{folder}/run
{user}
ServerLimit 1
ThreadsPerChild 25
StartServers 1
MaxRequestWorkers 25
MinSpareThreads 1
MaxSpareThreads 25
KeepAliveTimeout 5
SSLEngine on
SSLSessionCache none
SSLCertificateFile {certificate}
DavLockDB {folder}/run/locks
<Directory {drop}>
    Dav On
    Options None
    AllowOverride None
</Directory>
{locations}
"""
_LOCATION = """
Alias /{name} {drop}
<Location /{name}>
    AuthName "{realm}"
    {way}
</Location>
"""
_BASIC = "AuthType Basic\n    AuthUserFile {folder}/basic"
_DIGEST = "AuthType Digest\n    AuthUserFile {folder}/digest"
_ALWAYS = "\n    Require valid-user"
_LOOKING = (
    "\n    <Limit GET PROPFIND>\n        Require valid-user\n    </Limit>"
    "\n    <LimitExcept GET PROPFIND>\n        Require user another\n    </LimitExcept>"
)
_WAYS = {
    "basic": _BASIC + _ALWAYS,
    "digest": _DIGEST + _ALWAYS,
    "looking-basic": _BASIC + _LOOKING,
    "looking-digest": _DIGEST + _LOOKING,
    "open": _BASIC + "\n    <LimitExcept GET PROPFIND>\n        Require valid-user\n    </LimitExcept>",
}


class PrivateApache:
    """An Apache below `folder`, which everybody may enter; files lie in `drop`."""

    def __init__(self, folder: Path, certificate: Issued) -> None:
        self.folder = folder
        self.drop = folder / "drop"
        self.port = free_port()
        self.certificate = certificate
        command = (str(APACHE), "-DFOREGROUND", "-f", str(folder / "apache.conf"))
        self._process = ServerProcess(command, folder / "said.log")
        self._furnish()

    def url(self, path: str) -> str:
        """An address of the directory; `path` begins with a way to log in."""
        return f"https://{HOST}:{self.port}/{path}"

    def start(self) -> None:
        """Start and return once the server accepts."""
        self._process.start(self._listens, [self.folder / "error.log"])

    def stop(self) -> None:
        """End the server and every connection."""
        self._process.stop()

    def put(self, name: str, content: bytes) -> Path:
        """Lay a file into the directory as if the server had written it there."""
        path = self.drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._give(path)
        return path

    def _give(self, path: Path) -> None:
        """Let the server own what lies at the path, and the directories above it."""
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_SERVER_USER)
            for each in (path, *path.parents):
                if each == self.folder:
                    return
                os.chown(each, owner.pw_uid, owner.pw_gid)

    def _furnish(self) -> None:
        self.folder.chmod(0o755)
        for path in (self.drop, self.folder / "run"):
            path.mkdir()
            self._give(path)
        hashed = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
        (self.folder / "basic").write_text(f"{USERNAME}:{{SHA}}{hashed}\n")
        secret = hashlib.md5(f"{USERNAME}:{REALM}:{PASSWORD}".encode(), usedforsecurity=False).hexdigest()
        (self.folder / "digest").write_text(f"{USERNAME}:{REALM}:{secret}\n")
        modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in _LOADED)
        locations = "".join(
            _LOCATION.format(name=name, drop=self.drop, realm=REALM, way=way.format(folder=self.folder))
            for name, way in _WAYS.items()
        )
        is_root = os.geteuid() == 0
        (self.folder / "apache.conf").write_text(
            modules
            + _CONFIGURATION.format(
                folder=self.folder,
                host=HOST,
                port=self.port,
                drop=self.drop,
                certificate=self.certificate.path,
                user=f"User {_SERVER_USER}\nGroup #{pwd.getpwnam(_SERVER_USER).pw_gid}" if is_root else "",
                locations=locations,
            )
        )

    def _listens(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex((HOST, self.port)) == 0
