"""Where the corpora of other projects lie: beside this project, and not in it.

They are other people's work under their own licences, so they are not copied. Where the folder is missing, every test
that needs it is skipped and says so by its name.
"""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "corpora"

needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="the corpora of other projects are not in ../shared/corpora")
"""Marks a test that reads the corpora."""


def entries(corpus: str) -> list[dict[str, Any]]:
    """What a corpus' index lists."""
    found: list[dict[str, Any]] = json.loads((FOLDER / corpus / "index.json").read_text())["entries"]
    return found


def content(corpus: str, file: str) -> bytes:
    """The bytes of one file of a corpus."""
    return (FOLDER / corpus / file).read_bytes()
