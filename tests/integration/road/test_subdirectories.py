"""Files in subdirectories: taken level by level, in the goal's order, and put away with their subdirectory."""

import os
from pathlib import Path

from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal

CONTENT = "email,name\na@b.example,x\n"


async def test_files_of_subdirectories_are_imported_by_name_and_put_away_with_their_subdirectory(
    afar: Tenant,
) -> None:
    tenant = afar
    names = ["2.csv", "a/1.csv", "a/b/9.csv", "a/b/c/too_deep.csv", ".hidden/x.csv"]
    for age, name in enumerate(names):
        path = tenant.drop(f"in/{name}", CONTENT if name != "2.csv" else "wrong\n1\n")
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    # Neither the way up, nor itself, nor anywhere else.
    root = tenant.directory / "in"
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a")
    (root / "elsewhere").symlink_to(tenant.directory)
    (root / "other.csv").mkdir()
    source = {
        "directory": "in",
        "pattern": {"regular_expression": r"[0-9a-z_]+\.csv"},
        "subdirectories": 2,
        "order": "name",
        "readiness": {"strategy": "rename"},
        "afterwards": {"done": {"move_to": "in/done"}, "failed": {"move_to": "in/failed"}},
    }
    _own(root)
    await tenant.save(goal(source=source, duplicate_content="import"))
    where: dict[str, str] = {}

    async def are_put_away() -> bool:
        where.clear()
        where.update(
            {path: row["settled_path"] for path, row in (await tenant.arrivals()).items() if row["settled_at"]}
        )
        return len(where) == 3

    await eventually(are_put_away, "the files to be put away")
    assert where == {
        "in/2.csv": "in/failed/2.csv",
        "in/a/1.csv": "in/done/a/1.csv",
        "in/a/b/9.csv": "in/done/a/b/9.csv",
    }
    assert all((tenant.directory / path).is_file() for path in where.values())
    done = sorted(await tenant.runs(), key=lambda run: run["started_at"])
    assert [run["path"] for run in done] == ["in/2.csv", "in/a/1.csv", "in/a/b/9.csv"]
    await eventually(lambda: _told(tenant), "the links to be told")
    # A later file whose name comes before those that were imported comes late, and is told to.
    late = await tenant.imported("in/a/0.csv", CONTENT)
    assert [each["code"] for each in late["receipt"]["warnings"]] == ["imported_late"]
    # A whole subdirectory that is taken away takes its files with it.
    tenant.drop("in/a/b/unmatched.txt", "x")
    _own(root)
    await eventually(lambda: _state(tenant, "in/a/b/unmatched.txt", gone=False), "the file to be told")
    (root / "a" / "b").rename(tenant.directory / "b")
    await eventually(lambda: _state(tenant, "in/a/b/unmatched.txt", gone=True), "the file to be gone")


async def _told(tenant: Tenant) -> bool:
    links = {path for path, row in (await tenant.arrivals()).items() if row["reason_code"] == "not_a_file"}
    return links == {"in/a/up", "in/a/self", "in/elsewhere"}


async def _state(tenant: Tenant, path: str, *, gone: bool) -> bool:
    row = (await tenant.arrivals()).get(path)
    return row is not None and (row["vanished_at"] is not None) is gone


def _own(root: Path) -> None:
    """Whoever owns the place owns what lies in it."""
    owner = root.parent.stat()
    for directory, _, _ in os.walk(root):
        os.chown(directory, owner.st_uid, owner.st_gid)
