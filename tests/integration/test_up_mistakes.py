"""What keeps the all in one from starting is said in a sentence, not in a page of frames."""

import os
import socket
import subprocess
import sys
from pathlib import Path

LIMIT_SECONDS = 120


def up(directory: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Try to start it."""
    ports = ["--sftp-port", "0", "--webdav-port", "0"]
    command = [sys.executable, "-m", "services.entry", "up", "--data-dir", str(directory), *ports, *options]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = up(tmp_path, "--api-port", port)

    assert done.returncode == 1
    assert "already in use" in done.stderr
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = up(tmp_path, "--api-port", "0", TIDEGATE_MAIL_FROM="not an address")

    assert done.returncode == 2
    assert "TIDEGATE_MAIL_FROM" in done.stderr
    assert "Traceback" not in done.stderr
