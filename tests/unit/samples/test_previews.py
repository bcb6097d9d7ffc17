"""What a preview shows is what an import would do, of whatever the file is written in."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from shared.domain.event import BUILT_IN
from shared.domain.goal import ImportEvents, ImportGoal
from shared.domain.preview import Preview
from shared.domain.property import Property, PropertyType
from shared.processing.event_columns import properties_of
from shared.runtime.preview import Asked, preview

PROPERTIES = (
    Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
    Property(name="born", type=PropertyType.DATE),
    Property(name="tags", type=PropertyType.LIST),
    Property(name="points", type=PropertyType.INTEGER),
)


def _preview(place: Path, content: bytes, rows: int = 20, **settings: Any) -> Preview:
    (place / "kept").write_bytes(content)
    goal = ImportGoal.model_validate(
        {
            "name": "n",
            "source": {"pattern": {"wildcard": "*"}},
            "opt_in": {"declaration": "undefined"},
            "identifiers": [{"field": "email", "property": "email"}],
            "mapping": [{"field": name, "property": name} for name in ("born", "tags", "points")],
            **settings,
        }
    )
    return preview(Asked(place / "kept", goal, PROPERTIES, (), rows, place, 1 << 20))


def test_values_are_shown_with_their_types(tmp_path: Path) -> None:
    seen = _preview(
        tmp_path,
        gzip.compress(b'email,born,tags,points\na@b.example,2024-01-31,"x ""y""|z\\",7\n,,,\n'),
        dialect={"listDelimiter": "|"},
    )
    assert seen.trouble is None
    assert seen.mapped_rows[0].values == {
        "email": "a@b.example", "born": "2024-01-31", "tags": ['x "y"', "z\\"], "points": 7,
    }  # fmt: skip
    assert [(each.row, each.code) for each in seen.rejects] == [(2, "no_identifier")]


def test_a_date_pattern_that_is_found_out_is_told_by_the_whole_column_and_not_by_what_is_shown(tmp_path: Path) -> None:
    lines = [f"p{number}@b.example,0{number % 9 + 1}/02/2024,,\n" for number in range(300)]
    content = "".join(["email,born,tags,points\n", *lines, "z@b.example,31/02/2024,,\n", "y@b.example,30/03/2024,,\n"])
    seen = _preview(tmp_path, content.encode(), 2, dialect={"dateFormat": "auto"})
    assert {each.property: each.date_format for each in seen.mapped_columns}["born"] == "DD/MM/YYYY"
    assert seen.mapped_rows[0].values["born"] == "2024-02-01"
    without = _preview(
        tmp_path, "".join(["email,born,tags,points\n", *lines]).encode(), 2, dialect={"dateFormat": "auto"}
    )
    assert without.trouble is not None
    assert without.trouble.code == "ambiguous_dates"
    assert len(without.rows) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\n\n", "empty_file"),
        (gzip.compress(b"email\n" * 300)[:30], "damaged_archive"),
        (b"PK\x03\x04" + bytes(60), "damaged_archive"),
        (gzip.compress(bytes(8 << 20)), "unpacked_too_large"),
    ],
)
def test_what_no_import_would_read_has_its_trouble(tmp_path: Path, content: bytes, code: str) -> None:
    seen = _preview(tmp_path, content)
    assert seen.trouble is not None
    assert seen.trouble.code == code


def test_long_values_are_cut_and_rows_that_come_in_two_batches_stand_in_order(tmp_path: Path) -> None:
    rows = [f'p{number}@b.example,,"{"q" * 2000 if number == 1 else "a"}",{number}\n' for number in range(9)]
    rows[3] = "p3@b.example,too,many,1,2\n"
    rows[5] = 'p5@b.example,,"two\nlines",5\n'
    seen = _preview(tmp_path, "".join(["email,born,tags,points\n", *rows]).encode(), 7)
    assert [row.row for row in seen.rows] == [1, 2, 3, 5, 6, 7]
    assert [each.row for each in seen.unreadable] == [4]
    assert (len(seen.rows[1].values[2]), seen.rows[1].values[2][-1]) == (1_000, "…")
    assert seen.rows[-1].line == 9, "the sixth row has two lines"


@pytest.mark.parametrize(
    ("content", "settings", "code"),
    [
        ("email,born\na@b.example,\n", {"expected": {"encoding": "utf-8"}}, None),
        ("email,born\nrené@b.example,\n", {"expected": {"encoding": "utf-8"}}, "encoding_changed"),
        ("born,email\n,a@b.example\n", {"expected": {"header": ["email", "born"]}}, "header_changed"),
        ("email,born\na@b.example,\n", {"expected": {"header": ["email", "born"]}}, None),
    ],
)
def test_what_every_run_would_refuse_is_the_trouble_of_a_preview(
    tmp_path: Path, content: str, settings: dict[str, Any], code: str | None
) -> None:
    named = {"identifiers": [{"position": 0, "property": "email"}], "mapping": [], "dialect": {"encoding": "cp1252"}}
    seen = _preview(tmp_path, content.encode("cp1252"), **named, **settings)
    assert (seen.trouble.code if seen.trouble else None) == code
    assert bool(seen.mapped_rows) == (code is None)


def test_properties_that_saving_the_goal_would_make_are_no_trouble(tmp_path: Path) -> None:
    new = {"create_properties": True, "mapping": [{"field": "city", "property": "city"}]}
    seen = _preview(tmp_path, b"email,city\na@b.example,York\n", **new)
    assert seen.trouble is None
    assert seen.mapped_rows[0].values == {"email": "a@b.example", "city": "York"}


def test_rows_of_events_are_shown_by_what_the_event_has(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(
        "order,email,at,total,sku\n17,A@b.example,2026-03-01,12.5,A\n18,a@b.example,soon,1,B\n"
    )
    told = {
        "type": "order",
        "id": {"field": "order"},
        "occurred_at": {"field": "at"},
        "mapping": [{"field": "total", "property": "total"}],
        "items": [{"kind": "products", "mapping": [{"field": "sku", "property": "sku"}]}],
    }
    goal = ImportEvents.model_validate(
        {
            "kind": "import_events",
            "name": "n",
            "source": {"pattern": {"wildcard": "*"}},
            "identifiers": [{"field": "email", "property": "email"}],
            "event": told,
        }
    )
    known = (*PROPERTIES, *properties_of(goal.event, BUILT_IN))
    seen = preview(Asked(tmp_path / "kept", goal, known, (), 20, tmp_path, 1 << 20))
    assert seen.trouble is None
    assert [each.values for each in seen.mapped_rows] == [
        {
            "email": "A@b.example",
            "event.type": "order",
            "event.id": "17",
            "event.occurred_at": "2026-03-01T00:00:00.000000+00:00",
            "event.properties.total": "12.5",
            "event.items.products.sku": "A",
        }
    ]
    assert {each.property: each.field for each in seen.mapped_columns}["event.items.products.sku"] == "sku"
    assert [(each.row, each.field) for each in seen.rejects] == [(2, "at")]
