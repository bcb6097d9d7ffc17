"""What every driver of a drop folder promises, tried on each of them against each server, and on the fake."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, closing

import pytest

from shared.domain.afterwards import AfterDone
from shared.domain.failures import DirectoryMissing, FileGone, NameTaken
from shared.domain.names import shown, split, to_bytes
from shared.transfer.folder import CHUNK_BYTES
from shared.transfer.mark import mark
from tests.integration.transfer.grounds import DiskGround, Ground


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _bytes(ground: Ground, path: str) -> bytes:
    return b"".join([chunk async for chunk in ground.folder.read(path)])


async def test_a_listing_holds_the_regular_files_of_the_directory_only(ground: Ground) -> None:
    ground.put("a.csv", b"12345")
    ground.put("in/b.csv", b"1")
    listing = await ground.folder.list("")
    assert [(file.path, file.size_bytes) for file in listing.files] == [("a.csv", 5)]
    assert [file.path for file in (await ground.folder.list("in")).files] == ["in/b.csv"]


async def test_a_listing_and_a_stat_agree_to_the_whole_stamp(ground: Ground) -> None:
    ground.put("a.csv", b"12345")
    ground.set_time("a.csv", 1_700_000_000.75)
    listed = (await ground.folder.list("")).files[0]
    assert listed == await ground.folder.stat("a.csv")
    assert int(listed.modified_at.timestamp()) == 1_700_000_000
    assert listed.modified_at.tzinfo is not None


HOSTILE = {
    b"b\xff.csv": "b\\xff.csv",
    b"line\nbreak\r.csv": "line\\x0abreak\\x0d.csv",
    b"quotes '\";$(id)`.csv": "quotes '\";$(id)`.csv",
    "\u202evsc.exe".encode(): "\\u202evsc.exe",
    b"back\\slash.csv": "back\\\\slash.csv",
    b"-rf *?[a].csv": "-rf *?[a].csv",
    "M\u00fcller.csv".encode(): "M\u00fcller.csv",
    "Mu\u0308ller.csv".encode(): "Mu\\u0308ller.csv",
    "\uef80.csv".encode(): "\\xee\\xbe\\x80.csv",
    b" %2e%2e%2f&amp;.csv ": " %2e%2e%2f&amp;.csv ",
    b"\xe4" * 251 + b".csv": "\\xe4" * 251 + ".csv",
}
"""Names that are none but bytes, and how they are shown."""


async def test_names_are_bytes_that_are_listed_shown_read_and_renamed_exactly(ground: Ground) -> None:
    ground.put("in/good.csv", b"1")
    for name in HOSTILE:
        ground.put("in/" + os.fsdecode(name), name)
    listing = await ground.folder.list("in")
    found = {split(file.path)[1]: file for file in listing.files if file.path != "in/good.csv"}
    if not ground.takes_any_name:
        # Our own server takes no such names; what somebody put on its disk nevertheless is told.
        assert {entry.shown for entry in listing.refused} | set(map(shown, found)) == set(HOSTILE.values())
        return
    unsayable = {name for name in HOSTILE if {*name} & {*ground.cannot_say}}
    assert {entry.shown for entry in listing.refused} == {HOSTILE[name] for name in unsayable}
    assert {to_bytes(name): shown(name) for name in found} == {
        name: how for name, how in HOSTILE.items() if name not in unsayable
    }
    for name, file in found.items():
        if not (ground.finds_bytes or _is_utf_8(to_bytes(name))):
            unsayable.add(to_bytes(name))
            with pytest.raises(FileGone):
                await ground.folder.stat(file.path)
            continue
        assert await _bytes(ground, file.path) == to_bytes(name)
        assert await ground.folder.stat(file.path) == file
        marked = await mark(ground.folder, file, AfterDone(rename_suffix=".done"))
        assert marked.path is not None
        assert await _bytes(ground, marked.path) == to_bytes(name)
    left = ground.names("in") - {b"good.csv"}
    assert {name if name in unsayable else name + b".done" for name in HOSTILE if len(name) < 250} == {
        name for name in left if len(name) < 250
    }
    assert ground.finds_bytes is False or [len(name) for name in left if len(name) >= 250] == [255]


def _is_utf_8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


async def test_what_is_no_regular_file_is_told_and_not_followed(disk_ground: DiskGround) -> None:
    ground, target = disk_ground, disk_ground.disk / "real.csv"
    ground.put("real.csv", b"1")
    (target.parent / "link.csv").symlink_to(target)
    (target.parent / "all.csv").symlink_to(target.parent)
    os.mkfifo(target.parent / "pipe.csv")
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        # The path of a socket has 107 bytes at most.
        descriptor = os.open(target.parent, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{descriptor}/talk.csv")
        os.close(descriptor)
    ground.put("directory.csv/inside.csv", b"1")
    listing = await ground.folder.list("")
    if ground.kinds == "directories alone":
        assert {"directory.csv", "all.csv"} == {*listing.directories}
        return
    assert [file.path for file in listing.files] == ["real.csv"]
    assert listing.directories == ["directory.csv"]
    if ground.kinds == "hidden":
        assert listing.refused == []
        return
    assert {entry.shown for entry in listing.refused} == {"link.csv", "all.csv", "pipe.csv", "talk.csv"}
    assert not any(entry.is_name for entry in listing.refused)
    for path in ("link.csv", "pipe.csv", "directory.csv", "talk.csv"):
        if path != "link.csv" or ground.kinds == "told":
            with pytest.raises(FileGone):
                await ground.folder.stat(path)


async def test_a_directory_is_listed_as_one_and_is_no_file(ground: Ground) -> None:
    ground.put("in/deep/a.csv", b"1")
    await ground.folder.remove("in/deep/a.csv")
    listing = await ground.folder.list("in")
    assert (listing.files, listing.directories) == ([], ["in/deep"])
    assert (await ground.folder.list("in/deep")).files == []
    with pytest.raises(FileGone):
        await ground.folder.stat("in/deep")


async def test_a_missing_directory_is_told_as_such(ground: Ground) -> None:
    with pytest.raises(DirectoryMissing):
        await ground.folder.list("nowhere")


async def test_a_missing_file_is_gone(ground: Ground) -> None:
    with pytest.raises(FileGone):
        await ground.folder.stat("nothing.csv")
    with pytest.raises(FileGone):
        await _bytes(ground, "nothing.csv")
    with pytest.raises(FileGone):
        await ground.folder.remove("nothing.csv")
    with pytest.raises(FileGone):
        await ground.folder.rename("nothing.csv", "something.csv", replace=True)


@pytest.mark.parametrize("size", [0, 1, 255 * 1024, CHUNK_BYTES, 5 * CHUNK_BYTES + 12_345])
async def test_a_file_is_read_back_byte_for_byte_in_bounded_chunks(ground: Ground, size: int) -> None:
    content = os.urandom(size)
    ground.put("a.bin", content)
    chunks = [chunk async for chunk in ground.folder.read("a.bin")]
    assert b"".join(chunks) == content
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)


async def test_reading_may_be_given_up_in_the_middle(ground: Ground) -> None:
    ground.put("a.bin", os.urandom(8 * CHUNK_BYTES))
    async with aclosing(ground.folder.read("a.bin")) as chunks:
        async for _ in chunks:
            break
    assert (await ground.folder.stat("a.bin")).size_bytes == 8 * CHUNK_BYTES


async def test_a_file_is_written_byte_for_byte(ground: Ground) -> None:
    parts = [os.urandom(n) for n in (1, 700_000, 3 * CHUNK_BYTES, 17)]
    assert await ground.folder.write("out.bin", _chunks(*parts)) == sum(map(len, parts))
    assert ground.content("out.bin") == b"".join(parts)


async def test_writing_over_a_longer_file_leaves_nothing_of_it(ground: Ground) -> None:
    await ground.folder.write("out.bin", _chunks(b"long content"))
    assert await ground.folder.write("out.bin", _chunks(b"short")) == 5
    assert await _bytes(ground, "out.bin") == b"short"


async def test_a_file_that_is_written_anew_has_another_time(ground: Ground) -> None:
    ground.put("out.bin", b"first")
    ground.set_time("out.bin", 1_700_000_000)
    before = await ground.folder.stat("out.bin")
    await ground.folder.write("out.bin", _chunks(b"again"))
    after = await ground.folder.stat("out.bin")
    assert (after.size_bytes, after.modified_at > before.modified_at) == (5, True)


async def test_writing_into_a_missing_directory_is_told(ground: Ground) -> None:
    with pytest.raises(DirectoryMissing):
        await ground.folder.write("nowhere/out.bin", _chunks(b"x"))


async def test_a_rename_refuses_a_taken_name(ground: Ground) -> None:
    ground.put("a.csv", b"a")
    ground.put("b.csv", b"b")
    with pytest.raises(NameTaken):
        await ground.folder.rename("a.csv", "b.csv", replace=False)
    assert await _bytes(ground, "a.csv") == b"a"
    assert await _bytes(ground, "b.csv") == b"b"


async def test_a_rename_replaces_when_asked(ground: Ground) -> None:
    ground.put("a.csv", b"a")
    ground.put("b.csv", b"b")
    await ground.folder.rename("a.csv", "b.csv", replace=True)
    assert [file.path for file in (await ground.folder.list("")).files] == ["b.csv"]
    assert await _bytes(ground, "b.csv") == b"a"


async def test_a_rename_keeps_the_stamp_and_reaches_other_directories(ground: Ground) -> None:
    ground.put("a.csv", b"a")
    before = await ground.folder.stat("a.csv")
    await ground.folder.make_directory("done")
    await ground.folder.rename("a.csv", "done/a.csv", replace=False)
    after = await ground.folder.stat("done/a.csv")
    assert (after.size_bytes, after.modified_at) == (before.size_bytes, before.modified_at)
    with pytest.raises(FileGone):
        await ground.folder.stat("a.csv")


async def test_a_rename_into_a_missing_directory_is_told_and_keeps_the_file(ground: Ground) -> None:
    ground.put("a.csv", b"a")
    with pytest.raises(DirectoryMissing):
        await ground.folder.rename("a.csv", "nowhere/a.csv", replace=False)
    assert await _bytes(ground, "a.csv") == b"a"


async def test_a_directory_is_made_with_those_above_it_and_may_be_there(ground: Ground) -> None:
    await ground.folder.make_directory("one/two/three")
    await ground.folder.make_directory("one/two/three")
    assert (ground.names("one/two"), ground.names("one/two/three")) == ({b"three"}, set())


async def test_a_directory_is_not_made_over_a_file(ground: Ground) -> None:
    ground.put("taken", b"x")
    with pytest.raises(NameTaken):
        await ground.folder.make_directory("taken")


async def test_a_removed_file_is_gone(ground: Ground) -> None:
    ground.put("a.csv", b"a")
    await ground.folder.remove("a.csv")
    assert (await ground.folder.list("")).files == []


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a//b", "a/../../b", "nul\0", "a/./b", "x" * 256])
async def test_a_path_that_leads_elsewhere_never_reaches_the_server(ground: Ground, path: str) -> None:
    with pytest.raises(ValueError, match=r"found|expected"):
        await ground.folder.stat(path)


async def test_names_beyond_ascii_survive(ground: Ground) -> None:
    ground.put("Ärger €.csv", b"x")
    assert [file.path for file in (await ground.folder.list("")).files] == ["Ärger €.csv"]
    assert await _bytes(ground, "Ärger €.csv") == b"x"
