"""FTPS servers that can do little: they replace nothing, tell no facts of files, or list for people alone."""

import pytest

from shared.domain.failures import AccessDenied, ProtocolRefused, RenameRefused
from tests.integration.transfer.scripted_ftps import FILE, NO_FACTS, Answer, Opens, Talk, failure_of

# Servers that cannot replace.


class Disk:
    """The files of a server, by their paths, and the commands that rename and delete them."""

    def __init__(self, **files: str) -> None:
        self.files = {f"/{name.replace('_', '.')}": content for name, content in files.items()}
        self.broken = ""
        """A path that nothing can be renamed to while there is none."""
        self._from = ""

    def answers(self) -> dict[str, Answer]:
        return {"RNFR": self._rename_from, "RNTO": self._rename_to, "DELE": self._delete, "MLST": self._facts}

    def _rename_from(self, talk: Talk, path: str) -> None:
        self._from = path
        talk.say("350 and to what?" if path in self.files else "550 no such file")

    def _rename_to(self, talk: Talk, path: str) -> None:
        if path in self.files or path == self.broken:
            talk.say("553 that is there already")
            return
        self.files[path] = self.files.pop(self._from)
        talk.say("250 done")

    def _delete(self, talk: Talk, path: str) -> None:
        talk.say("550 no such file" if self.files.pop(path, None) is None else "250 done")

    def _facts(self, talk: Talk, path: str) -> None:
        talk.say(*(["250-here", " " + FILE.strip(), "250 end"] if path in self.files else ["550 no such file"]))


@pytest.mark.parametrize("before", [{}, {"all_csv": "old"}, {"all_csv": "old", "all_csv_previous": "older"}])
async def test_where_nothing_can_be_replaced_the_old_file_steps_aside(opens: Opens, before: dict[str, str]) -> None:
    disk = Disk(new_part="new", **before)
    async with opens(**disk.answers()) as folder:
        await folder.rename("new.part", "all.csv", replace=True)
    assert disk.files == {"/all.csv": "new"}


async def test_a_rename_that_breaks_off_puts_the_old_file_back(opens: Opens) -> None:
    disk = Disk(new_part="new", all_csv="old")
    disk.broken = "/all.csv"

    def put_back(talk: Talk, path: str) -> None:
        # The new file gets no name; the old one gets its own again.
        disk.broken = "" if disk._from == "/all.csv.previous" else disk.broken
        disk._rename_to(talk, path)

    async with opens(**{**disk.answers(), "RNTO": put_back}) as folder:
        with pytest.raises(AccessDenied):
            await folder.rename("new.part", "all.csv", replace=True)
    assert disk.files == {"/all.csv": "old", "/new.part": "new"}


async def test_a_server_that_renames_nothing_is_told_as_such(opens: Opens) -> None:
    disk = Disk(new_part="new")
    async with opens(**{**disk.answers(), "RNTO": "502 not here"}) as folder:
        with pytest.raises(RenameRefused):
            await folder.rename("new.part", "all.csv", replace=True)


# Servers that tell no facts.


def _listing(*lines: str) -> Answer:
    return lambda talk, _: talk.send("".join(f"{line}\r\n" for line in lines).encode())


async def test_a_server_that_lists_for_people_alone_is_asked_for_each_time(opens: Opens) -> None:
    looks: list[str] = []
    times = {"a.csv": "213 20260102030405", "b.csv": "213 20260102030406.789", "odd.csv": "213 19999999999999"}

    def listed(talk: Talk, rest: str) -> None:
        looks.append(rest)
        lines = [f"03-15-26  10:20AM  {size} {name}" for size, name in ((5, "a.csv"), (6, "b.csv"))]
        if len(looks) < 3:
            lines.append("03-15-26  10:20AM  7 moved.csv")
        lines += [
            "03-15-26  10:20AM  8 hidden.csv",
            "03-15-26  10:20AM  9 odd.csv",
            "03-15-26  10:20AM       <DIR>          in",
            "what?",
        ]
        talk.send("".join(f"{line}\r\n" for line in lines).encode())

    def modified(talk: Talk, path: str) -> None:
        talk.say(times.get(path.removeprefix("/"), "550 no such file"))

    async with opens(FEAT=NO_FACTS, LIST=listed, MDTM=modified) as folder:
        listing = await folder.list("")
    # `-a` is not understood, which shows; what has gone meanwhile is left out, what shows no time is told.
    assert looks == ["-a", "", ""]
    assert [(file.path, file.size_bytes, file.modified_at.second) for file in listing.files] == [
        ("a.csv", 5, 5),
        ("b.csv", 6, 6),
    ]
    assert listing.directories == ["in"]
    assert {entry.shown for entry in listing.refused} == {"hidden.csv", "odd.csv", "what?"}


async def test_of_what_cannot_be_read_or_taken_only_the_beginning_is_kept_in_a_form_that_can_be_stored(
    opens: Opens,
) -> None:
    facts = "type=file;size=5;modify=20260102030405;"
    lines = _listing("no/entry\0" + 4_000 * "x", f"{facts} {4_000 * 'y'}", f"{facts} {4_000 * 'y'}z", f"{facts} a.csv")
    async with opens(MLSD=lines) as folder:
        listing = await folder.list("")
    assert [file.path for file in listing.files] == ["a.csv"]
    unread, *long = listing.refused
    assert unread.name.startswith("no\\x2fentry\\x00xxx")
    assert len(unread.name) <= 255
    assert {(entry.name, entry.reason) for entry in long} == {(255 * "y", "found a name of more than 255 bytes")}


async def test_a_directory_of_which_the_server_says_that_it_holds_no_files_is_empty(opens: Opens) -> None:
    async with opens(FEAT=NO_FACTS, LIST="550 No files found.") as folder:
        assert (await folder.list("")).files == []
    assert type(await failure_of(opens(FEAT=NO_FACTS, LIST="550 Not for you."))) is AccessDenied


async def test_a_server_that_tells_no_exact_times_is_not_guessed_at(opens: Opens) -> None:
    lines = _listing("-rw-r--r-- 1 a b 5 Jan 02 03:04 a.csv")
    assert type(await failure_of(opens(FEAT=NO_FACTS, LIST=lines, MDTM="502 no"))) is ProtocolRefused
