"""Render requirements.lock from pyproject.toml, or say whether it still belongs to it.

The lock's first line carries a hash of the tables that it was rendered from, so that the check needs no network.
Versions already in the lock are kept unless `--upgrade` is given. Nothing here installs anything.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path("pyproject.toml")
LOCK = Path("requirements.lock")
STAMP = "# rendered by 'make lock' from the dependencies in pyproject.toml, which had sha256 "


def main() -> int:
    """Render or check; 0 where the lock is, or has become, fresh."""
    parser = argparse.ArgumentParser(description="Render or check requirements.lock.")
    parser.add_argument("--check", action="store_true", help="only say whether it is fresh")
    parser.add_argument("--upgrade", action="store_true", help="take newer versions where pyproject.toml allows them")
    asked = parser.parse_args()
    if not asked.check:
        render(upgrade=asked.upgrade)
    findings = list(faults(LOCK.read_text(encoding="utf-8")))
    for finding in findings:
        print(f"{LOCK}: {finding}")
    if not findings:
        print(f"{LOCK} is fresh")
    return 1 if findings else 0


def render(*, upgrade: bool) -> None:
    """Resolve for every supported Python and platform, with hashes and without a registry's address."""
    from uv import find_uv_bin  # not needed, and not to be asked for, by a mere check

    command = [find_uv_bin(), "pip", "compile", "--universal", "--generate-hashes", "--no-emit-index-url"]
    command += ["--no-header", "--quiet", "--python-version", "3.11", str(PYPROJECT), "--group", "dev"]
    command += ["--output-file", str(LOCK)] + (["--upgrade"] if upgrade else [])
    subprocess.run(command, check=True, timeout=600)
    LOCK.write_text(f"{STAMP}{inputs_hash()}\n{LOCK.read_text(encoding='utf-8')}", encoding="utf-8")


def faults(lock: str) -> list[str]:
    """What is wrong with the lock's text, in sentences."""
    found = []
    if lock.splitlines()[0] != f"{STAMP}{inputs_hash()}":
        found.append(f"the dependencies in {PYPROJECT} have changed since; run 'make lock' and commit both")
    found += [
        f"{requirement.splitlines()[0]!r} is not pinned with == and a hash; run 'make lock'"
        for requirement in re.split(r"(?m)^(?=[A-Za-z0-9])", lock)[1:]
        if not re.match(r"[A-Za-z0-9._-]+==\S+", requirement) or "--hash=sha256:" not in requirement
    ]
    return found


def inputs_hash() -> str:
    """Hash of everything in pyproject.toml that the lock depends on."""
    tables = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    project = tables["project"]
    inputs = [project["requires-python"], project["dependencies"], tables["dependency-groups"]]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
