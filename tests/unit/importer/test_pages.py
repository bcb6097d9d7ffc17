"""An archive's members are one file: one header for all, also for the rows that are asked for once more."""

import io
import json
import zipfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from services.importer.pages import fetching, opened
from shared.domain.failures import UnpackedTooLarge
from tests.unit.formats.workbooks import t, workbook
from tests.unit.importer.files import fetched


def archive(*members: list[dict[str, Any]]) -> bytes:
    """Members of JSON Lines."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for number, rows in enumerate(members):
            packed.writestr(f"{number}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return file.getvalue()


def test_rows_of_later_members_are_fetched_under_the_columns_of_the_first(tmp_path: Path) -> None:
    first = [{"email": "a@shop.example", "name": "Ann", "points": 1}]
    second = [{"points": 7, "name": "Bob", "more": "x", "email": "b@shop.example"}, {"name": "Cem", "email": [[1]]}]
    with opened(fetched(tmp_path, archive(first, second), {"format": "jsonl"})) as pages:
        assert pages is not None
        read = [row for batch in pages.batches() for row in batch.frame.iter_rows()]
    assert read == [("a@shop.example", "Ann", "1"), ("b@shop.example", "Bob", "7")]
    with fetching(pages.fetched, pages.facts) as fetch:
        assert [row.fields for row in fetch([1, 2])] == read
        assert [row.fields for row in fetch([3])] == [("[[1]]", "Cem", "")]


def test_keys_of_later_members_are_noted_up_to_a_thousand(tmp_path: Path) -> None:
    rows = [[{"email": "a@shop.example", "name": "Ann"}]]
    rows += [[{f"{each}": 1 for each in range(begin, begin + 600)}] for begin in (0, 300, 700)]
    with opened(fetched(tmp_path, archive(*rows), {"format": "jsonl"})) as pages:
        assert pages is not None
        assert [batch.frame.height for batch in pages.batches()] == [1, 1, 1, 1]
        assert list(pages.further) == [f"{each}" for each in range(1_000)]


def test_a_goal_s_limit_holds_within_a_workbook(tmp_path: Path) -> None:
    book = workbook([t("email"), t("name")], *[[t("a@shop.example"), t("A" * 100)] for _ in range(500)])
    limits: list[tuple[int, AbstractContextManager[Any]]] = [
        (200_000, nullcontext()),
        (50_000, pytest.raises(UnpackedTooLarge)),
    ]
    for allowed, raised in limits:
        settings = {"format": "xlsx", "unpack": {"max_unpacked_bytes": allowed}}
        with raised, opened(fetched(tmp_path, book, settings)) as pages:
            assert pages is not None
            assert sum(batch.frame.height for batch in pages.batches()) == 500
