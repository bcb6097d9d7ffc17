"""Say whether what kustomize makes of an overlay is what Kubernetes knows and what this house asks of a workload.

    scripts/check_manifests.py deploy/k8s/overlays/dev deploy/k8s/overlays/production

Schemas come with packages (Kubernetes' own, and models of KEDA's and the Prometheus operator's objects), so no cluster
and no network are needed; unknown fields are errors. What only a cluster can tell (whether an image can be pulled, a
volume bound) is not looked at here; KEDA's query is asked of a real database by a test.
"""

import argparse
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as operator
from pydantic import ValidationError

OLDEST = "1.30"
BASE = Path("deploy/k8s/base")
EXAMPLES = {"secret.example.yaml"}
KUSTOMIZATION = "kustomization.yaml"
OURS = "tidegate"
CUSTOM = {
    "ScaledObject": keda.ScaledObject,
    "TriggerAuthentication": keda.TriggerAuthentication,
    "PodMonitor": operator.PodMonitor,
    "PrometheusRule": operator.PrometheusRule,
}

Manifest = dict[str, Any]


def main() -> int:
    """Print each finding; 0 where there is none."""
    parser = argparse.ArgumentParser(description="Check kustomize overlays.")
    parser.add_argument("overlays", type=Path, nargs="+")
    findings = [*unlisted(BASE), *(f"{name}: {found}" for name, found in _of_example(BASE / "secret.example.yaml"))]
    for overlay in parser.parse_args().overlays:
        manifests = rendered(overlay)
        found = [finding for manifest in manifests for finding in (*misshapen(manifest), *careless(manifest))]
        findings += [f"{overlay}: {finding}" for finding in (*found, *forgotten(manifests))]
        print(f"{overlay}: {len(manifests)} objects, looked at for Kubernetes {OLDEST} and later")
    print("\n".join(findings) or "all of them are valid")
    return 1 if findings else 0


def rendered(overlay: Path) -> list[Manifest]:
    """What would be applied."""
    kubectl = Path(sysconfig.get_path("scripts")) / "kubectl"
    done = subprocess.run(
        [kubectl, "kustomize", overlay],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HOME": "/nowhere"},
    )
    if done.returncode:
        sys.exit(f"{overlay}: kustomize refuses it: {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


def unlisted(base: Path) -> Iterator[str]:
    """Files of the base that its kustomization forgets."""
    kustomization = yaml.safe_load((base / KUSTOMIZATION).read_text(encoding="utf-8"))
    listed = {*kustomization["resources"], *(patch["path"] for patch in kustomization["patches"])}
    there = {path.name for path in base.glob("*.yaml")} - EXAMPLES - {KUSTOMIZATION}
    yield from (f"{base / name}: not named in {KUSTOMIZATION}" for name in sorted(there - listed))


def _of_example(path: Path) -> Iterator[tuple[Path, str]]:
    for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        yield from ((path, finding) for finding in misshapen(manifest))


def misshapen(manifest: Manifest) -> Iterator[str]:
    """What the schemas refuse: Kubernetes' own by its oldest and newest known version, others by their models."""
    if model := CUSTOM.get(manifest["kind"]):
        try:
            known = model.model_validate(manifest).model_dump(by_alias=True, exclude_unset=True, mode="json")
        except ValidationError as error:
            yield from (f"{_title(manifest)}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            return
        # The models pass over fields that they do not know: what does not come back was not understood.
        yield from (f"{_title(manifest)}: {place} is not known" for place in _lost(manifest, known))
        return
    for version in (OLDEST, kubernetes_validate.latest_version()):
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = ".".join(str(step) for step in error.path)
            yield f"{_title(manifest)}: {place}: {error.message} (Kubernetes {version})"


def _lost(given: Any, known: Any, place: str = "") -> Iterator[str]:
    if isinstance(given, dict) and isinstance(known, dict):
        for name, value in given.items():
            if name not in known:
                yield f"{place}.{name}".lstrip(".")
            else:
                yield from _lost(value, known[name], f"{place}.{name}")
    elif isinstance(given, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(given, known, strict=True)):
            yield from _lost(one, other, f"{place}[{number}]")


def careless(manifest: Manifest) -> Iterator[str]:
    """What a workload must have and does not; a neighbour that the dev overlay starts may write to its own root."""
    pod = manifest.get("spec", {}).get("template", {}).get("spec")
    if pod is None:
        return
    wanted = {
        "automountServiceAccountToken: false": pod.get("automountServiceAccountToken") is False,
        "runAsNonRoot": pod.get("securityContext", {}).get("runAsNonRoot") is True,
        "seccompProfile RuntimeDefault": pod.get("securityContext", {}).get("seccompProfile")
        == {"type": "RuntimeDefault"},
    }
    for container in pod["containers"]:
        security = container.get("securityContext", {})
        wanted["allowPrivilegeEscalation: false"] = security.get("allowPrivilegeEscalation") is False
        wanted["capabilities dropped"] = security.get("capabilities") == {"drop": ["ALL"]}
        wanted["requests and a memory limit"] = {"requests", "limits"} <= container.get("resources", {}).keys()
        if _is_ours(manifest):
            wanted["readOnlyRootFilesystem"] = security.get("readOnlyRootFilesystem") is True
            wanted["terminationGracePeriodSeconds"] = "terminationGracePeriodSeconds" in pod
        if _is_ours(manifest) and manifest["kind"] == "Deployment":
            for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
                wanted[f"{probe} on {path}"] = container.get(probe, {}).get("httpGet", {}).get("path") == path
    yield from (f"{_title(manifest)}: lacks {what}" for what, there in wanted.items() if not there)


def forgotten(manifests: list[Manifest]) -> Iterator[str]:
    """What one object must have beside it, and does not."""
    services = {
        manifest["metadata"]["name"]
        for manifest in manifests
        if manifest["kind"] == "Deployment" and _is_ours(manifest)
    }
    budgets = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "PodDisruptionBudget"}
    yield from (f"{name} has no PodDisruptionBudget" for name in sorted(services - budgets))
    scaled = {
        manifest["spec"]["scaleTargetRef"]["name"] for manifest in manifests if manifest["kind"] == "ScaledObject"
    }
    yield from (f"a ScaledObject names {name}, which is not there" for name in sorted(scaled - services))
    if not any(_denies_all(manifest["spec"]) for manifest in manifests if manifest["kind"] == "NetworkPolicy"):
        yield "no NetworkPolicy denies what no other allows"


def _denies_all(policy: Manifest) -> bool:
    """Whether it selects every pod of ours, both ways, and lets nothing through."""
    selected = policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": OURS}}
    return (
        selected and set(policy["policyTypes"]) == {"Ingress", "Egress"} and not {"ingress", "egress"} & policy.keys()
    )


def _is_ours(manifest: Manifest) -> bool:
    return bool(manifest["metadata"].get("labels", {}).get("app.kubernetes.io/name") == OURS)


def _title(manifest: Manifest) -> str:
    return f"{manifest.get('kind')} {manifest.get('metadata', {}).get('name')}"


if __name__ == "__main__":
    sys.exit(main())
