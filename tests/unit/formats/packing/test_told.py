"""Checksums that sha256sum takes, and manifests."""

import hashlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from shared.formats.packing.told import checksum, manifest

RUN = UUID("12345678-1234-1234-1234-123456789abc")


def test_a_checksum_is_what_sha256sum_checks(tmp_path: Path) -> None:
    for name in ("a.csv", "ä b's.csv", "back\\slash.csv", "*star"):
        (tmp_path / name).write_bytes(name.encode())
        (tmp_path / "sum").write_bytes(checksum(name, hashlib.sha256(name.encode()).hexdigest()))
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", "sum"], cwd=tmp_path, capture_output=True, timeout=30, check=False
        )
        assert done.returncode == 0, done
        (tmp_path / name).write_bytes(b"changed")
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", "sum"], cwd=tmp_path, capture_output=True, timeout=30, check=False
        )
        assert done.returncode == 1


def test_a_manifest_names_all_files_in_order() -> None:
    files = [{"name": f"a_{n}.csv", "rows": n, "bytes": 10 * n, "sha256": "0" * 64} for n in (1, 2)]
    told = json.loads(manifest("Näme", RUN, datetime(2026, 11, 22, tzinfo=UTC), files))  # type: ignore[arg-type]  # as it is typed
    assert told == {
        "goal": "Näme",
        "run_id": str(RUN),
        "made_at": "2026-11-22T00:00:00+00:00",
        "rows": 3,
        "files": files,
    }
