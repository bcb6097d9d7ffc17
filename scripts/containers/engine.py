"""A container engine: Docker where one runs, else podman with a store of its own that touches nobody's images.

Everything of podman's lies in one directory below the project, so that stand-ins for public images are never met by
anything else on the machine. What cannot be had is a sentence and the end, never a test that passes.
"""

import os
import resource
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

INSTALL = Path(__file__).parents[1] / "install_servers.sh"

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class NoEngine(Exception):
    """No container can be run here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How to run containers here."""

    name: str
    program: str
    compose: tuple[str, ...]
    environment: dict[str, str]
    folders: tuple[Path, ...]
    """Its own: what it keeps, and what is gone after a restart of the machine. None are Docker's."""
    forwarding: str = ""
    """What the kernel's switch for forwarding said before; podman's networks turn it on."""

    @property
    def has_registry(self) -> bool:
        """Whether public images are taken from their registry; else there are stand-ins for them."""
        return self.program == "docker"

    def run(self, *words: str, seconds: float = 60, tell: bool = True) -> str:
        """Run the engine's program; what it printed. Raises SubprocessError."""
        return run((self.program, *words), self.environment, seconds, tell=tell)

    def leave(self) -> None:
        """Leave no mount behind and nothing that runs; images stay for the next time."""
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
        ours = [place for place in mounts if any(Path(place).is_relative_to(folder) for folder in self.folders)]
        for place in sorted(ours, reverse=True):
            subprocess.run(["umount", place], check=True, timeout=30)
        for folder in self.folders[1:]:
            shutil.rmtree(folder, ignore_errors=True)
        if self.forwarding:
            FORWARDING.write_text(self.forwarding, encoding="ascii")


def run(command: tuple[str, ...], environment: dict[str, str], seconds: float, *, tell: bool = True) -> str:
    """Run a command; its standard output. Where it fails, tells what it said, and raises SubprocessError."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, text=True, capture_output=True, timeout=seconds, check=False
    )
    if done.returncode != 0:
        if tell:
            sys.stderr.write(f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n")
        raise subprocess.CalledProcessError(done.returncode, command)
    return done.stdout


def engine(directory: Path) -> Engine:
    """The engine of this machine, ready. Raises NoEngine."""
    return _docker() or _podman(directory)


def _docker() -> Engine | None:
    if shutil.which("docker") is None:
        return None
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        if subprocess.run(command, capture_output=True, timeout=60, check=False).returncode != 0:
            return None
    return Engine("Docker", "docker", ("docker", "compose"), {}, ())


def _podman(directory: Path) -> Engine:
    if os.geteuid() != 0:
        raise NoEngine("Found no running Docker with `docker compose`, and podman is prepared here only as root.")
    if subprocess.run([INSTALL, "podman"], timeout=900, check=False).returncode != 0:
        raise NoEngine("Found no running Docker with `docker compose`, and could not install podman.")
    directory.mkdir(exist_ok=True)
    state = Path("/run") / f"tidegate-containers-{sha256(str(directory).encode()).hexdigest()[:8]}"
    (directory / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{directory}/store"\nrunroot = "{state}"\n', encoding="utf-8"
    )
    # The engine's own limits are higher than what a container on this machine may have.
    files, processes = (resource.getrlimit(which)[1] for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    limits = f'"nofile={_limit(files, 65_536)}", "nproc={_limit(processes, 8_192)}"'
    (directory / "containers.conf").write_text(
        f"[containers]\ndefault_ulimits = [{limits}]\n"
        f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{directory}/networks"\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        f'tmp_dir = "{state}/libpod"\n',
        encoding="utf-8",
    )
    environment = {
        "CONTAINERS_STORAGE_CONF": f"{directory}/storage.conf",
        "CONTAINERS_CONF": f"{directory}/containers.conf",
        "DISABLE_HC_SYSTEMD": "true",  # health checks are run by us: there may be no systemd
        "PODMAN_COMPOSE_WARNING_LOGS": "false",
    }
    compose = (sys.executable, "-m", "podman_compose", "--in-pod", "false", "--podman-build-args=--network=host")
    with suppress(subprocess.CalledProcessError):
        version = run(("podman", "--version"), environment, 30).split()[-1]
        run(("podman", "info"), environment, 60)
        forwarding = FORWARDING.read_text(encoding="ascii")
        return Engine(f"podman {version}", "podman", compose, environment, (directory, state), forwarding)
    raise NoEngine("podman is installed, and does not work on this machine: see above.")


def _limit(allowed: int, wanted: int) -> str:
    least = wanted if allowed == resource.RLIM_INFINITY else min(allowed, wanted)
    return f"{least}:{least}"
