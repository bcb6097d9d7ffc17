"""The named SQL statements of sql/*.sql.

A statement opens with `-- name: <name>` and a line that says what it is for. Python names it as
`<file>.<name>` and never builds SQL, but for what columns.py assembles for an account's own columns.
"""

from functools import cache
from importlib.resources import files


@cache
def _statements(family: str) -> dict[str, str]:
    text = (files("shared.storage") / "sql" / f"{family}.sql").read_text("utf-8")
    found: dict[str, str] = {}
    for block in text.split("-- name: ")[1:]:
        name, _, body = block.partition("\n")
        found[name.strip()] = body.strip()
    return found


def statement(name: str) -> str:
    """The text of `<file>.<name>`. Raises KeyError for a name that is not there."""
    family, _, short = name.partition(".")
    return _statements(family)[short]
