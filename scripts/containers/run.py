"""`make containers`: build the image, start docker-compose.yml for real, let the demonstration pass against it.

Docker with `docker compose` is used where it runs, with the public images. Elsewhere, as root on Debian or a relative,
podman is installed and stand-ins for the public images are made: see stand_ins.py. Everything is taken down at the end;
what was built stays in .containers, so that the next time takes a fraction. Status 0 only if all of it agreed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.containers import by_webdav, seen, stand_ins
from scripts.containers.engine import Engine, NoEngine, engine
from scripts.containers.project import Project
from tests.real.ports import free_port

ROOT = Path(__file__).parents[2]
UP_SECONDS = 300.0


def main() -> int:
    """The story; 0 if it ended well."""
    began = time.monotonic()
    os.chdir(ROOT)
    try:
        used = engine(ROOT / ".containers")
    except NoEngine as reason:
        print(f"make containers cannot run here. {reason}", file=sys.stderr)
        return 1
    print(f"{used.name}; {'public images' if used.has_registry else 'stand-ins for public images'}")
    try:
        with stand_ins.secrets() as secrets:
            _try(used, secrets)
    except (subprocess.SubprocessError, seen.Wrong) as error:
        print(f"containers: FAILED: {error}", file=sys.stderr)
        return 1
    finally:
        used.leave()
    print(f"containers: all of it agreed, in {time.monotonic() - began:.0f} seconds")
    return 0


def _try(used: Engine, secrets: Path) -> None:
    ports = {
        name: str(free_port()) for name in ("API_PORT", "SFTP_PORT", "WEBDAV_PORT", "MAIL_PORT", "PROMETHEUS_PORT")
    }
    variables = {**ports, "SECRETS": str(secrets)}
    files = ["docker-compose.yml"]
    if not used.has_registry:
        with _step("stand-ins"):
            variables |= stand_ins.make(used, secrets)
        files.append(str(stand_ins.IMAGES.relative_to(ROOT) / "compose.yml"))
    project = Project(used, files, variables)
    project.down()  # what a killed one may have left
    try:
        with _step("build"):
            project.compose("build", seconds=1800)
        with _step("image"):
            seen.image(used)
        with _step("up"):
            project.compose("up", "--detach", "--no-build", seconds=900)
            seen.everybody_ready(project, UP_SECONDS)
        with _step("containers"):
            seen.confined(project)
        with _step("demonstration"):
            key = _demonstrate(project, ports)
        with _step("WebDAV"):
            by_webdav.uploaded(f"http://127.0.0.1:{ports['API_PORT']}", key, ports["WEBDAV_PORT"])
        with _step("Prometheus"):
            seen.scraped(f"http://127.0.0.1:{ports['PROMETHEUS_PORT']}")
        with _step("stop"):
            seen.stops_in_good_order(project)
    except BaseException:
        print(project.last_words(), file=sys.stderr)
        raise
    finally:
        with _step("down"):
            project.down()


def _demonstrate(project: Project, ports: dict[str, str]) -> str:
    """The operator's key that it was shown with."""
    key = project.compose("exec", "-T", "api", "tidegate", "key", "create", "demonstration", "--operator").split()[-1]
    api, mails = (f"http://127.0.0.1:{ports[name]}" for name in ("API_PORT", "MAIL_PORT"))
    command = [sys.executable, "-m", "demo.run", "--against", api, "--mails", mails]
    subprocess.run(command, env={**os.environ, "TIDEGATE_API_KEY": key}, check=True, timeout=300)
    return key


@contextmanager
def _step(name: str) -> Iterator[None]:
    print(f"== {name}", flush=True)
    began = time.monotonic()
    yield
    print(f"== {name}: {time.monotonic() - began:.1f} seconds", flush=True)


if __name__ == "__main__":
    sys.exit(main())
