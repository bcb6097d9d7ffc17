"""What a tree says of names that are taken or gone, on file systems with hard links and without, and of its root."""

from pathlib import Path

import pytest

from shared.domain.failures import DropFolderMissing, FileGone
from shared.transfer.directory import LocalDirectory
from shared.transfer.tree import RootMissing, Tree


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


@pytest.mark.parametrize("is_file", [False, True], ids=["missing", "file"])
async def test_a_root_that_is_missing_says_nothing_of_what_lies_in_it(is_file: bool, tmp_path: Path) -> None:
    root = tmp_path / "root"
    if is_file:
        root.write_text("in its way")
    tree, directory = Tree(root), LocalDirectory(root)
    with pytest.raises(RootMissing) as raised:
        tree.stat("a")
    assert not isinstance(raised.value, FileNotFoundError | NotADirectoryError)
    for attempt in (directory.stat("a"), directory.list(""), directory.remove("a"), directory.make_directory("d")):
        with pytest.raises(DropFolderMissing):
            await attempt
    root.unlink(missing_ok=True)
    root.mkdir()
    with pytest.raises(FileNotFoundError):
        tree.stat("a")
    with pytest.raises(FileGone):
        await directory.stat("a")
