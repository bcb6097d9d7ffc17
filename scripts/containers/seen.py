"""What is looked at while the system runs. Each look raises Wrong with a sentence, or prints what it saw."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from scripts.containers.engine import Engine
from scripts.containers.project import Project

IMAGE = "tidegate"
LOOK_SECONDS = 2.0
SCRAPE_SECONDS = 120.0
# Run within a service: what somebody who broke into one could use.
CONFINED = """
import importlib.util, json, os, pathlib
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
folders = ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/tidegate/bin"]
programs = {path.name for folder in folders for path in pathlib.Path(folder).glob("*")}
def writable(path):
    try:
        (pathlib.Path(path) / ".probe").write_text("")
        (pathlib.Path(path) / ".probe").unlink()
    except OSError:
        return False
    return True
found = {
    "user": os.getuid(),
    "capabilities": int(status["CapEff"], 16) + int(status["CapPrm"], 16) + int(status["CapBnd"], 16),
    "new privileges": status["NoNewPrivs"].strip() != "1",
    "programs": sorted(name for name in programs if not name.startswith("python")),
    "installers": [name for name in ("pip", "setuptools", "ensurepip") if importlib.util.find_spec(name)],
    "secrets of the build": os.path.exists("/run/secrets/pip.conf"),
    "writable": [path for path in ("/", "/etc", "/usr", "/opt/tidegate", "/data", "/tmp") if writable(path)],
}
print(json.dumps(found))
"""


class Wrong(Exception):
    """Something is not as it must be."""


def image(engine: Engine) -> None:
    """How large it is, and that it runs as any user of group 0, as some platforms choose."""
    size, layers = engine.run("image", "inspect", "--format", "{{.Size}} {{len .RootFS.Layers}}", IMAGE).split()
    print(f"   {int(size) / 1e6:.0f} MB in {layers} layers")
    labels = json.loads(engine.run("image", "inspect", "--format", "{{json .Config.Labels}}", IMAGE))
    told = {name.rpartition(".")[2]: value for name, value in labels.items() if name.startswith("org.opencontainers.")}
    print("   " + ", ".join(f"{name} {value!r}" for name, value in sorted(told.items())))
    engine.run("run", "--rm", "--read-only", "--cap-drop=ALL", "--user=54321:0", IMAGE, "--help")
    try:
        engine.run("run", "--rm", "--read-only", "--cap-drop=ALL", IMAGE, "service", "nobody", tell=False)
    except subprocess.CalledProcessError:
        print("   runs as user 54321; refuses a service that there is not")
    else:
        raise Wrong("found status 0 of a service that does not exist, expected another one")


def everybody_ready(project: Project, limit_seconds: float) -> None:
    """Every health check of docker-compose.yml passes in its container, and the migration ended with status 0."""
    began = time.monotonic()
    for name, service in project.services().items():
        if "healthcheck" in service:
            _until(_Health(project, name, service["healthcheck"]["test"][1:]), f"{name} is healthy", limit_seconds)
            print(f"   {name} is healthy after {time.monotonic() - began:.0f} seconds")
    status = project.inspect("migrate", "{{.State.Status}} {{.State.ExitCode}}")
    if status != "exited 0":
        raise Wrong(f"found the migration {status!r}, expected it to have exited with 0")
    waited = [name for name in project.programs() if ".awaited" in project.log(name)]
    starts = {name: project.log(name).count('"service.started"') for name in project.programs()}
    if set(starts.values()) != {1}:
        raise Wrong(f"found so many starts, expected one each, because they wait instead of ending: {starts}")
    print(f"   waited for the database or its migration, without ending: {', '.join(waited) or 'nobody'}")


def confined(project: Project) -> None:
    """Nothing runs as root, and nothing but /tmp and the volumes can be written; no shell, no tools."""
    expected = {
        "user": 10001,
        "capabilities": 0,
        "new privileges": False,
        "programs": ["gpg", "gpg-agent", "tidegate"],
        "installers": [],
        "secrets of the build": False,
        "writable": ["/tmp"],  # noqa: S108 this is what is asked
    }
    for name in project.programs():
        found = json.loads(project.compose("exec", "-T", name, "python", "-c", CONFINED))
        if found != expected:
            raise Wrong(f"{name}: found {found}, expected {expected}")
        memory = project.inspect(name, "{{.HostConfig.Memory}} {{.HostConfig.ReadonlyRootfs}}").split()
        if int(memory[0]) <= 0 or memory[1] != "true":
            raise Wrong(f"{name}: found memory {memory[0]} and a read-only root {memory[1]}, expected a limit and true")
    print(f"   {len(project.programs())} services: user 10001, no capability, read-only root, no shell, no pip")


def scraped(url: str) -> None:
    """Prometheus finds every service by its name, and scrapes it."""
    _until(lambda: _up(url) == 6, "Prometheus scrapes 6 services", SCRAPE_SECONDS)
    print("   6 services are scraped")


def stops_in_good_order(project: Project) -> None:
    """SIGTERM is heard by process 1 of every container, which leaves with status 0."""
    project.compose("stop", seconds=400)
    ended = {name: project.inspect(name, "{{.State.ExitCode}}") for name in project.programs()}
    if set(ended.values()) != {"0"}:
        raise Wrong(f"found exit codes {ended} after a stop, expected 0 of all")
    print(f"   {len(ended)} services left with status 0")


@dataclass(frozen=True, slots=True)
class _Health:
    """A health check, carried out by us: not every engine does it by itself."""

    project: Project
    service: str
    command: list[str]

    def __call__(self) -> bool:
        try:
            container = self.project.container(self.service)
            self.project.engine.run("exec", container, *self.command, seconds=60, tell=False)
        except subprocess.SubprocessError:
            return False
        return True


def _up(url: str) -> int:
    try:
        answer = httpx.get(f"{url}/api/v1/query", params={"query": "up == 1"}, timeout=5)
    except httpx.TransportError:
        return 0
    return len(answer.raise_for_status().json()["data"]["result"])


def _until(holds: Callable[[], bool], what: str, limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Wrong(f"waited {limit_seconds:.0f} seconds in vain: {what}")
        time.sleep(LOOK_SECONDS)
