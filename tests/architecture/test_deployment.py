"""What is deployed fits what is built: every variable is a setting, every service is started, every import works."""

import re
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
