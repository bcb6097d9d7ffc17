"""What people write behind `make` reaches the command as they wrote it."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORDS = """#!/bin/sh
printf '<%s>' "$@"
"""


def test_the_name_of_a_file_may_hold_quotes_and_blanks(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(WORDS)
    python.chmod(0o755)
    ready = tmp_path / "ready"
    ready.touch()
    made = subprocess.run(
        ["make", "-s", "demo", 'FILE=anyone\'s "own" file.csv', "ID=Kd. Nr's", f"BIN={tmp_path}", f"READY={ready}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )
    assert made.stdout.endswith("<-m><demo.run><--file><anyone's \"own\" file.csv><--id><Kd. Nr's>"), made.stderr
