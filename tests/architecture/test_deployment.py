"""What is deployed fits what is built: every variable is a setting, every service is started, every import works."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from scripts.check_manifests import rendered
from shared.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
PLACES = ["docker-compose.yml", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "deploy/k8s").rglob("*.yaml"))]
SERVICES = {"poller", "importer", "exporter", "notifier", "api", "dropserver"}


@pytest.mark.parametrize("place", PLACES)
def test_every_variable_that_is_deployed_is_a_setting(place: str) -> None:
    named = set(re.findall(r"(TIDEGATE_[A-Z_]+):", (ROOT / place).read_text(encoding="utf-8")))
    known = {f"TIDEGATE_{name.upper()}" for name in Settings.model_fields}
    assert named - known == set()


def test_compose_starts_every_service() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    commands = [service.get("command", []) for service in compose["services"].values()]
    assert {command[1] for command in commands if command[:1] == ["service"]} == SERVICES


def test_compose_publishes_on_the_loopback_interface_alone() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_file_beside_compose_fills_in_just_what_it_asks_for() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    given = set(re.findall(r"^([A-Z_]+)=\S", (ROOT / ".env").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert given == asked


def test_the_image_has_what_tidegate_runs_on_and_no_development_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted, tools = (
        {re.split(r"[\[>=;<~! ]", line, maxsplit=1)[0] for line in lines}
        for lines in (project["project"]["dependencies"], project["dependency-groups"]["dev"])
    )
    command = [sys.executable, "deploy/image/runtime_lock.py", "requirements.lock"]
    lock = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
    names = set(re.findall(r"^([a-z0-9-]+)", lock, flags=re.MULTILINE))
    assert wanted - names == set()
    # The embedded database wants psutil as well.
    assert names & (tools - wanted) == {"psutil"}
    assert all("--hash=sha256:" in part for part in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:])


@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_kubernetes_starts_every_service(overlay: str) -> None:
    containers = [
        manifest["spec"]["template"]["spec"]["containers"][0]
        for manifest in rendered(ROOT / "deploy/k8s/overlays" / overlay)
        if manifest["kind"] == "Deployment"
    ]
    arguments = [container["args"] for container in containers if container["name"] == "tidegate"]
    assert sorted(arguments) == sorted(["service", name] for name in SERVICES)


@pytest.mark.filterwarnings("ignore:'?imghdr'? (is deprecated|was removed):DeprecationWarning")
def test_pgpy_imports_on_this_python() -> None:
    # Its own dependency on imghdr ended with Python 3.13; standard-imghdr stands in. This says so first.
    assert import_module("pgpy").PGPKey is not None
