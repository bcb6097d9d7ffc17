"""Renaming on file systems that have no hard links, as FAT and many network shares: nothing is replaced unasked."""

from pathlib import Path

import pytest

from shared.transfer.tree import Tree


class Linkless(Tree):
    """A tree on such a file system."""

    @staticmethod
    def _linked(*_names: object) -> bool:
        return False


@pytest.mark.parametrize("kind", [Tree, Linkless])
def test_a_rename_moves_refuses_a_taken_name_and_replaces_where_asked(kind: type[Tree], tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    before = (tmp_path / "a").stat()
    tree = kind(tmp_path)
    with pytest.raises(FileExistsError):
        tree.rename("a", "b", replace=False)
    tree.rename("a", "done/a", replace=False)
    after = (tmp_path / "done" / "a").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_nlink) == (before.st_ino, before.st_mtime_ns, 1)
    tree.rename("b", "done/a", replace=True)
    assert {path.name: path.read_text() for path in (tmp_path / "done").iterdir()} == {"a": "b"}
    with pytest.raises(FileNotFoundError):
        tree.rename("b", "c", replace=False)
