"""What lies beside exported files and speaks of them: checksums, and a manifest. No value of any row."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict
from uuid import UUID


class Told(TypedDict):
    """One file of a manifest."""

    name: str
    rows: int
    bytes: int
    sha256: str


def checksum(name: str, sha256: str) -> bytes:
    """A file of one line as `sha256sum --check` reads it: GNU coreutils, with its escaping of backslashes."""
    mark = "\\" if "\\" in name else ""
    escaped = name.replace("\\", "\\\\")
    return f"{mark}{sha256}  {escaped}\n".encode()


def manifest(goal: str, run_id: UUID, made_at: datetime, files: Sequence[Told]) -> bytes:
    """A JSON object that names all files of a run, in order, and what is in them together."""
    told = {
        "goal": goal,
        "run_id": str(run_id),
        "made_at": made_at.isoformat(),
        "rows": sum(each["rows"] for each in files),
        "files": files,
    }
    return json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n"
