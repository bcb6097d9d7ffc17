"""A bomb of each kind ends by the name of what it is, within a bounded memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.formats.unpacking.bombs import BOMBS

MOST_BYTES = 128 << 20
"""Measured: 68 MB, of which Python and the libraries have 49."""
LARGEST_BOMB_BYTES = 4 << 20


@pytest.mark.timeout(600)
def test_every_bomb_ends_by_its_name_within_a_bounded_memory(tmp_path: Path) -> None:
    for name, (make, _) in BOMBS.items():
        bomb = make()
        assert len(bomb) < LARGEST_BOMB_BYTES, name
        (tmp_path / name).write_bytes(bomb)
    # A process of its own, because the memory that this one took to make the bombs would be counted too.
    command = [sys.executable, "-m", "tests.unit.formats.unpacking.bombs", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=True)
    told = json.loads(done.stdout)
    assert told["codes"] == {name: code for name, (_, code) in BOMBS.items()}
    assert told["peak_bytes"] < MOST_BYTES
