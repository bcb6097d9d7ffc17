"""Say whether the Kubernetes files are what Kubernetes knows and what this house asks of a workload.

Schemas come with kubernetes-validate, so no cluster and no network are needed; unknown fields are errors. What only a
cluster can tell (whether an image can be pulled, a volume bound) is not looked at.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

OLDEST = "1.30"
EXAMPLES = {"secret.example.yaml"}
KUSTOMIZATION = "kustomization.yaml"


def main() -> int:
    """Print each finding; 0 where there is none."""
    parser = argparse.ArgumentParser(description="Check a kustomize base.")
    parser.add_argument("base", type=Path)
    base: Path = parser.parse_args().base
    files = sorted(path for path in base.glob("*.yaml") if path.name != KUSTOMIZATION)
    findings = [*unlisted(base, {path.name for path in files})]
    for path in files:
        for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            findings += [f"{path}: {finding}" for finding in [*misshapen(manifest), *careless(manifest)]]
    print("\n".join(findings) or f"{len(files)} files in {base} are valid from Kubernetes {OLDEST} on")
    return 1 if findings else 0


def unlisted(base: Path, names: set[str]) -> Iterator[str]:
    """Files that the kustomization forgets, and resources that it names and that are not there."""
    listed = set(yaml.safe_load((base / KUSTOMIZATION).read_text(encoding="utf-8"))["resources"])
    yield from (f"{base / name}: not among the resources of {KUSTOMIZATION}" for name in names - EXAMPLES - listed)
    yield from (f"{base / KUSTOMIZATION}: names {name}, which is not there" for name in listed - names)


def misshapen(manifest: dict[str, Any]) -> Iterator[str]:
    """What the schemas of the oldest and the newest known version refuse."""
    for version in (OLDEST, kubernetes_validate.latest_version()):
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = ".".join(str(step) for step in error.path)
            yield f"{_title(manifest)}: {place}: {error.message} (Kubernetes {version})"


def careless(manifest: dict[str, Any]) -> Iterator[str]:
    """What a workload of this house must have and does not."""
    pod = manifest.get("spec", {}).get("template", {}).get("spec")
    if pod is None:
        return
    wanted = {
        "automountServiceAccountToken: false": pod.get("automountServiceAccountToken") is False,
        "terminationGracePeriodSeconds": "terminationGracePeriodSeconds" in pod,
        "runAsNonRoot": pod.get("securityContext", {}).get("runAsNonRoot") is True,
        "seccompProfile RuntimeDefault": pod.get("securityContext", {}).get("seccompProfile")
        == {"type": "RuntimeDefault"},
    }
    for container in pod["containers"]:
        security = container.get("securityContext", {})
        wanted["readOnlyRootFilesystem"] = security.get("readOnlyRootFilesystem") is True
        wanted["allowPrivilegeEscalation: false"] = security.get("allowPrivilegeEscalation") is False
        wanted["capabilities dropped"] = security.get("capabilities") == {"drop": ["ALL"]}
        wanted["requests and a memory limit"] = {"requests", "limits"} <= container.get("resources", {}).keys()
        if manifest["kind"] == "Deployment":
            for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
                wanted[f"{probe} on {path}"] = container.get(probe, {}).get("httpGet", {}).get("path") == path
    yield from (f"{_title(manifest)}: lacks {what}" for what, there in wanted.items() if not there)


def _title(manifest: dict[str, Any]) -> str:
    return f"{manifest.get('kind')} {manifest.get('metadata', {}).get('name')}"


if __name__ == "__main__":
    sys.exit(main())
