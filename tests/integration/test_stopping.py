"""A process that still waits for its database leaves at once when it is told to."""

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize("service", ["poller", "importer", "exporter", "notifier", "api", "dropserver"])
def test_a_service_whose_start_waits_for_the_database_stops_with_status_0(service: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "TIDEGATE_DATABASE_URL": f"postgresql://tidegate_service:x@{NOBODY}/tidegate",
        "TIDEGATE_WATCH_DATABASE_URL": f"postgresql://tidegate_watch:x@{NOBODY}/tidegate",
        "TIDEGATE_BUS_URL": f"amqp://guest:guest@{NOBODY}/",
        "TIDEGATE_SMTP_URL": f"smtp://{NOBODY}",
        "TIDEGATE_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
        "TIDEGATE_API_PORT": "0",
        "TIDEGATE_HEALTH_PORT": "0",
        "TIDEGATE_DROP_DIRECTORY": str(tmp_path / "drop"),
        "TIDEGATE_WORK_DIRECTORY": str(tmp_path / "work"),
    }
    command = [sys.executable, "-m", "services.entry", "service", service]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            assert any("database.awaited" in line for line in process.stderr)
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=15)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "service.stopped" in rest
