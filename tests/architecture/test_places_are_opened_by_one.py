"""Partners' servers are dialled in one function, within a session that all workers count: nobody can forget to ask."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOOR = "shared/transfer/open_folder.py"
MODULES = sorted(file for folder in ("shared", "services") for file in (ROOT / folder).rglob("*.py"))


def _names(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def _openers_imported(file: Path) -> list[str]:
    """What a module takes from the drivers that opens a place."""
    return [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared.transfer.")
        for alias in node.names
        if alias.name.startswith("open_") and node.module != "shared.transfer.open_folder"
    ]


def test_drivers_are_opened_in_one_module() -> None:
    found = {_names(file): names for file in MODULES if (names := _openers_imported(file))}
    assert set(found) == {DOOR}
