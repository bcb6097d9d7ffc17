"""Whether the first row of a one-shot import's file is its header: where its e-mail column holds no valid address."""

import gzip
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.importer.one_shot import OneShot
from services.importer.pages import opened
from shared.domain.connection import Login
from shared.domain.place import OneShotPlace
from tests.unit.importer.files import fetched

SERVER = OneShotPlace(host="files.partner.example", port=22).entered_by("shop", "a.csv")
BY_POSITION: dict[str, Any] = {
    "dialect": {"encoding": "auto"},
    "identifiers": [{"position": 1, "property": "email"}],
    "mapping": [{"position": 0, "property": "name"}],
}
ANN = "Ann,ann@shop.example\n"


def archive_of(members: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


def rows_of(directory: Path, content: str | bytes) -> tuple[tuple[str, ...] | None, list[str]]:
    """The header that was taken, and the addresses of the rows."""
    told = fetched(directory, content, BY_POSITION)
    asked = OneShot(None, None, SERVER, Login(), 1, ())  # type: ignore[arg-type]  # of no run, no connection
    with opened(replace(told, order=replace(told.order, one_shot=asked))) as pages:
        if pages is None:
            return None, []
        addresses = [row[1] for batch in pages.batches() for row in batch.frame.iter_rows()]
        assert pages.fetched.order.goal.dialect.has_header is (pages.header is not None)
        return pages.header, addresses


@pytest.mark.parametrize(
    ("first", "is_header"),
    [
        ("name,email\n", True),
        ("name,E-mail address of the person\n", True),
        ("name,\n", True),
        ("name,bob@\n", True),
        ("name,bob at shop.example\n", True),
        ("Bob,bob@shop.example\n", False),
        ('"Bob"," bob@shop.example "\n', False),
        ("Bob,BOB@SHOP.EXAMPLE\n", False),
        ("\ufeffBob,bob@shop.example\n", False),
        ("\n\nBob,bob@shop.example\n", False),
        ('"A\nB",bob@shop.example\n', False),
        ("bob@shop.example,name\n", True),
    ],
)
def test_the_first_row_is_a_header_where_its_address_is_none(tmp_path: Path, first: str, is_header: bool) -> None:
    header, addresses = rows_of(tmp_path, first + ANN)
    assert (header is not None) is is_header
    assert len(addresses) == (1 if is_header else 2)
    assert addresses[-1] == "ann@shop.example"


def test_one_that_is_packed_in_another_encoding_or_empty_is_judged_the_same(tmp_path: Path) -> None:
    assert rows_of(tmp_path, gzip.compress(ANN.encode())) == (None, ["ann@shop.example"])
    umlaut = "Bj\xf6rn M\xfcller,bjorn@shop.example\n" * 40
    assert len(rows_of(tmp_path, ("Name,E-mail\n" + umlaut).encode("utf-16"))[1]) == 40
    assert rows_of(tmp_path, "\n") == (None, [])
    assert rows_of(tmp_path, "name,email\n") == (("name", "email"), [])


def test_an_archive_is_judged_by_its_first_row(tmp_path: Path) -> None:
    bare = archive_of({"a.csv": b"", "b.csv": ANN.encode(), "c.csv": b"Bob,bob@shop.example\n"})
    assert rows_of(tmp_path, bare) == (None, ["ann@shop.example", "bob@shop.example"])
    headed = archive_of(
        {"a.csv": b"name,email\nAnn,ann@shop.example\n", "b.csv": b"name,email\nBob,bob@shop.example\n"}
    )
    assert rows_of(tmp_path, headed) == (("name", "email"), ["ann@shop.example", "bob@shop.example"])
