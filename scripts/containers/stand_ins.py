"""Images to use in place of public ones, for where no image registry can be reached: see images/Containerfile.

They are made of the machine's own distribution: debootstrap makes the base from the mirror that apt-get is set up
with, and packages do the rest. How this machine reaches mirrors and registries goes into builds as secrets, which no
image keeps.
"""

import ast
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.containers.engine import Engine

IMAGES = Path(__file__).parent / "images"
NAME = "localhost/tidegate-stand-in"
# The variables of .env that name images, and what stands in for each.
VARIABLES = {
    "PYTHON_IMAGE": "python",
    "POSTGRES_IMAGE": "postgres",
    "RABBITMQ_IMAGE": "rabbitmq",
    "MAIL_IMAGE": "maildev",
    "PROMETHEUS_IMAGE": "prometheus",
}
APT_KEYS = re.compile(r"Acquire::(?:https?::|Check-|Retries|Force)")
PIP_KEYS = {"index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries"}


def make(engine: Engine, secrets: Path) -> dict[str, str]:
    """Build what is not there yet; the variables that name the images."""
    if not engine.run("images", "--quiet", f"{NAME}/base").strip():
        _make_base(engine)
    for name in VARIABLES.values():
        print(f"   stand-in for {name}", flush=True)
        given = [f"--secret=id={path.name},src={path}" for path in sorted(secrets.iterdir())]
        tag = f"{NAME}/{name}"
        engine.run("build", "--network=host", *given, f"--target={name}", f"--tag={tag}", str(IMAGES), seconds=1200)
    return {variable: f"{NAME}/{name}" for variable, name in VARIABLES.items()}


def _make_base(engine: Engine) -> None:
    print("   base, with debootstrap", flush=True)
    mirror, suite = _mirror()
    with tempfile.TemporaryDirectory(prefix="base-", dir=engine.folders[0]) as name:
        root = Path(name) / "root"
        try:
            _quietly("debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(root), mirror)
            shutil.rmtree(root / "var/cache/apt/archives")
            archive = f"{name}/root.tar"
            _quietly("tar", "--create", "--one-file-system", f"--file={archive}", f"--directory={root}", ".")
        finally:
            subprocess.run(["umount", "--quiet", root / "proc"], check=False, timeout=30, capture_output=True)
        engine.run("import", archive, f"{NAME}/base", seconds=300)


def _mirror() -> tuple[str, str]:
    """Where apt-get takes this distribution's packages from, and the distribution's name."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", release, flags=re.MULTILINE)
    suite = found.group(1) if found else "stable"
    lines = _quietly("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages")
    mirrors = [line.split()[0] for line in lines.splitlines() if line.split()[1:] == [suite]]
    if not mirrors:
        raise SystemExit(f"apt-get knows no mirror for {suite}; see /etc/apt/sources.list")
    return mirrors[0], suite


@contextmanager
def secrets() -> Iterator[Path]:
    """A folder of files that tell builds how this machine reaches packages; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="tidegate-secrets-") as name:
        folder = Path(name)
        settings = _pip_settings()
        certificates = Path(settings.pop("cert", "") or ssl.get_default_verify_paths().cafile or os.devnull)
        (folder / "ca.pem").write_bytes(certificates.read_bytes())
        lines = [f"{key} = {value}" for key, value in settings.items()]
        if certificates.stat().st_size:
            lines.append("cert = /run/secrets/ca.pem")
        (folder / "pip.conf").write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
        npm = Path.home() / ".npmrc"
        (folder / "npmrc").write_bytes(npm.read_bytes() if npm.is_file() else b"")
        apt = _quietly("apt-config", "dump", "--format", '%F "%v";%n') if shutil.which("apt-config") else ""
        kept = [line for line in apt.splitlines() if APT_KEYS.match(line)]
        (folder / "apt.conf").write_text("\n".join([*kept, ""]), encoding="utf-8")
        yield folder


def _pip_settings() -> dict[str, str]:
    """What pip is told on this machine, as far as it holds in a container; the environment goes before files."""
    listed = _quietly(sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list")
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        key, text = name.rpartition(".")[2], str(ast.literal_eval(value))
        if key in PIP_KEYS:
            found[key] = " ".join(part for part in text.split() if not part.startswith(("file:", "/")))
        elif key == "cert":
            found[key] = text
    return {key: value for key, value in found.items() if value}


def _quietly(*command: str) -> str:
    done = subprocess.run(command, text=True, capture_output=True, timeout=900, check=False)
    if done.returncode != 0:
        sys.stderr.write((done.stdout + done.stderr)[-4000:])
        raise subprocess.CalledProcessError(done.returncode, command[:1])
    return done.stdout
