"""The zips of yauzl: each is opened with the right contents, or refused by the name of its fault.

Where the outcome is another than the corpus' index says, the reason stands in EXCEPTIONS. First as members, then all
the way: dropped into a watched folder, and read back through the gateway.
"""

from pathlib import Path
from typing import Any

import pytest

from shared.domain.failures import Failure
from shared.domain.unpack import Unpack
from shared.formats.unpacking.members import open_members
from tests.corpora import folder
from tests.corpora.importing import Importing
from tests.unit.formats.unpacking.opening import drained

CORPUS = "yauzl-zip"

REFUSED = {
    "failure/01.zip": "damaged_archive",  # no end record: cut off
    "failure/02.zip": "file_type_changed",  # zero bytes
    "failure/03.zip": "archive_extra_bytes",  # a comment of another length than it says
    "failure/04.zip": "member_name_absolute",  # C:/xt
    "failure/05.zip": "member_name_absolute",  # /atxt
    "failure/06.zip": "archive_headers_differ",  # stored, and packed in another size than unpacked
    "failure/07.zip": "inconsistent_archive",  # an extra field longer than all of them
    "failure/08.zip": "archive_headers_differ",  # reaches beyond the end, of which its own header knows nothing
    "failure/09.zip": "inconsistent_archive",  # no directory entry where one should be
    "failure/10.zip": "member_name_backslash",
    "failure/11.zip": "damaged_archive",  # deflate: impossible code lengths
    "failure/12.zip": "archive_headers_differ",  # no local header where one should be
    "failure/13.zip": "member_name_outward",  # ../xt
    "failure/14.zip": "zip64_inconsistent",  # no zip64 end record where the locator says
    "failure/15.zip": "archive_in_several_parts",
    "failure/16.zip": "archive_headers_differ",  # more is announced than comes
    "failure/17.zip": "packing_not_supported",  # strong encryption
    "failure/18.zip": "archive_headers_differ",  # more comes than is announced
    "failure/19.zip": "damaged_archive",  # deflate: too many symbols
    "failure/20.zip": "zip64_inconsistent",  # large sizes that are not there
    "failure/21.zip": "packing_not_supported",  # method 1
    "failure/22.zip": "inconsistent_archive",  # the zip64 field is cut, so that no field behind it is whole
    "failure/23.zip": "inconsistent_archive",
    "failure/24.zip": "inconsistent_archive",
    "wrong-entry-sizes/wrong-entry-sizes.zip": "inconsistent_archive",  # also a directory with content
}

EXCEPTIONS = {
    # The corpus holds what stands in the archive, still encrypted, and no password.
    "success/traditional-encryption.zip": "archive_password_missing",
    "success/traditional-encryption_deprecated.zip": "archive_password_missing",
    "success/traditional-encryption-and-compression.zip": "archive_password_missing",
    "success/traditional-encryption-and-compression_deprecated.zip": "archive_password_missing",
    # The same: the corpus' expected file is the packed content. Method 7 (tokenizing) was never specified.
    "success/bogus-compression-method.zip": "packing_not_supported",
    # yauzl makes a slash of a backslash, and takes another name in the directory than in the header.
    "success/sloppy-filenames.zip": "member_name_backslash",
    # The local header's extra fields reach two bytes into the descriptor; yauzl does not read them.
    "success/unicode-path-extra-field.zip": "inconsistent_archive",
}

KEPT_BY_GIT = {".git_please_make_this_directory", ".dont_expect_an_empty_dir_entry_for_this_dir"}

COMPLETED: dict[str, dict[str, bytes]] = {
    # The corpus' folder has no umlauts.
    "success/unicode.zip": {
        "Turmion Kätilöt/Hoitovirhe/Rautaketju.mp3": b"",
        "Turmion Kätilöt/Pirun nyrkki/Mistä veri pakenee.mp3": b"",
    },
    # The corpus' folder lacks a thousand empty files.
    "success/everything.zip": {f"a/b/{number:03}": b"" for number in range(1_000)},
}


def outcome(entry: dict[str, Any], workspace: Path, compression: str) -> dict[str | None, bytes] | str:
    found: dict[str | None, bytes] = {}
    how = Unpack.model_validate({"compression": compression})
    try:
        with open_members(
            folder.FOLDER / CORPUS / entry["file"], how, workspace=workspace, max_bytes=1 << 30
        ) as members:
            for member in members:
                with member.open() as source:
                    found[member.name] = drained(source)
    except Failure as failure:
        return failure.code
    return found


def expected(entry: dict[str, Any]) -> dict[str, bytes] | str:
    code = (REFUSED | EXCEPTIONS).get(entry["file"])
    if code is not None:
        return code
    place = folder.FOLDER / CORPUS / entry["expected_dir"]
    found = {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and path.name not in KEPT_BY_GIT and path.as_posix().isascii()
    }
    named = {name: data for name, data in found.items() if not name.startswith("Turmion Katilot/")}
    return named | COMPLETED.get(entry["file"], {})


@folder.needed
def test_every_zip_of_yauzl_is_opened_or_refused_by_the_name_of_its_fault(tmp_path: Path) -> None:
    entries = folder.entries(CORPUS)
    assert len(entries) == 47
    outcomes = {entry["file"]: outcome(entry, tmp_path, "zip") for entry in entries}
    assert outcomes == {entry["file"]: expected(entry) for entry in entries}
    assert {entry["file"] for entry in entries if entry["expect"] == "reject"} == REFUSED.keys()


@folder.needed
def test_a_zip_is_judged_alike_where_its_packing_is_found_by_content(tmp_path: Path) -> None:
    for entry in folder.entries(CORPUS):
        begins_as_zip = (folder.FOLDER / CORPUS / entry["file"]).read_bytes()[:4] in (b"PK\3\4", b"PK\5\6")
        found = outcome(entry, tmp_path, "auto")
        if begins_as_zip:
            assert found == expected(entry), entry["file"]
        else:
            assert list(found) == [None], entry["file"]


NO_ROWS = {
    # Zeros and no text: the zip is right, its content is none.
    "success/big-compression.zip": "no_usable_rows",
    "success/big-uncompressed.zip": "no_usable_rows",
    "success/everything.zip": "no_usable_rows",
}


@folder.needed
@pytest.mark.timeout(600)
async def test_the_whole_road_imports_what_is_right_and_nothing_of_what_is_not(importing: Importing) -> None:
    await importing.define("line", is_identifier=True)
    entries = {entry["file"].replace("/", "-"): entry for entry in folder.entries(CORPUS)}
    for name in entries:
        await importing.define_group(name)
        answer = await importing.save(
            name,
            unpack={"compression": "zip"},
            dialect={"header": False, "delimiter": "\x1f", "quoteChar": None},
            domain_group=name,
            identifiers=[{"position": 0, "property": "line"}],
            allow_empty_file=True,
        )
        assert answer.status_code == 201, answer.text
    runs = await importing.runs({name: folder.content(CORPUS, entry["file"]) for name, entry in entries.items()})
    for name, entry in entries.items():
        found = await importing.all("/v1/profiles", domain_group=name)
        lines = {profile["properties"]["line"].strip() for profile in found}
        wanted = NO_ROWS.get(entry["file"]) or expected(entry)
        if isinstance(wanted, str):
            assert (runs[name]["state"], runs[name]["reason"]["code"], lines) == ("failed", wanted, set()), name
        else:
            text = b"\n".join(wanted.values()).decode()
            assert runs[name]["state"] == "completed", name
            assert lines == {line.strip() for line in text.splitlines() if line.strip()}, name
