"""Files that changed: what changed is told with both sides of it, before anything is staged."""

from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from services.importer.pages import opened
from shared.domain.failures import FileFailure
from tests.unit.importer.files import NAME, fetched

ANN = "ann@shop.example"
POSITIONS: dict[str, Any] = {
    "identifiers": [{"position": 0, "property": "email"}],
    "mapping": [{"position": 1, "property": "name"}],
    "expected": {"header": ["Mail", "Name", "Points"]},
}
HEADED = {"expected": {"header": ["email", "name"], "encoding": "cp1252"}, "dialect": {"encoding": "cp1252"}}

CHANGED: list[tuple[dict[str, Any], str | bytes, str, str]] = [
    ({}, f"email;name\n{ANN};Ann\n", "delimiter_changed", "Expected ',', found ';'"),
    ({"dialect": {"delimiter": ";"}}, f"name\temail\nA\t{ANN}\n", "delimiter_changed", r"found '\\t'"),
    (
        {**POSITIONS, "dialect": {"header": False}, "expected": {}},
        f"{ANN}|Ann|1\nbob@shop.example|Bob|2\n",
        "delimiter_changed",
        r"found '\|'",
    ),
    ({}, f'{{"email": "{ANN}", "name": "Ann"}}\n', "file_type_changed", "Expected csv, found JSON Lines."),
    ({}, "<!DOCTYPE html><title>email,name</title>\n", "file_type_changed", "a web page"),
    (
        {"mapping": [{"field": "Größe", "property": "name"}], "dialect": {"encoding": "cp1252"}},
        f"email,Größe\n{ANN},M\n",
        "encoding_changed",
        "Expected cp1252, found utf-8",
    ),
    (HEADED, f"email,name\n{ANN},Müßiggänger\n", "encoding_changed", "found utf-8"),
    (
        {"expected": {"encoding": "utf-8"}},
        f"email,name\n{ANN},Müßiggänger\n".encode("cp1252"),
        "encoding_changed",
        "found bytes that are none",
    ),
    ({}, f"email,nme\n{ANN},Ann\n", "header_changed", "'name' may now be 'nme'"),
    (POSITIONS, f"Mail,Points,Name\n{ANN},1,Ann\n", "header_changed", "at position 1.*found 'Points'; it is at 2"),
    (
        {
            "expected": {"header": ["email", "name", "points"]},
            "processors": [{"kind": "keep_rows", "where": {"position": 2, "equals": "1"}}],
        },
        f"email,points,name\n{ANN},1,Ann\n",
        "header_changed",
        "Expected 'points' at position 2",
    ),
    (POSITIONS, f"{ANN},Ann,1\n", "header_changed", "found 3 fields with none of these names"),
    (
        {"format": "jsonl"},
        f'{{"email": "{ANN}", "full_name": "Ann"}}\n{{"email": "b@shop.example"}}\n',
        "header_changed",
        "Expected 'name', found 'email', 'full_name'",
    ),
    (
        {"format": "jsonl", "opt_in": {"declaration": "from_file", "field": "optin"}},
        f'{{"email": "{ANN}", "name": "Ann", "opt-in": false}}\n',
        "header_changed",
        "'optin' may now be 'opt-in'",
    ),
    (
        {"map_all": {}, "expected": {"header": ["email", "name", "points", "x"]}, "ignore": ["x"]},
        f"email,name\n{ANN},Ann\n",
        "header_changed",
        "Expected 'points', which map_all took before",
    ),
]  # fmt: skip  # a table


def zipped(files: dict[str, str]) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def found(directory: Path, content: str | bytes, settings: dict[str, Any]) -> list[int | None] | None:
    """Where the columns of the goal stand in the file. Raises what the importer does."""
    with opened(fetched(directory, content, settings)) as pages:
        assert pages is not None
        return [column.position for column in pages.plan.columns]


@pytest.mark.parametrize(("settings", "content", "code", "said"), CHANGED)
def test_what_changed_is_told(
    settings: dict[str, Any], content: str | bytes, code: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(FileFailure, match=said) as failed:
        found(tmp_path, content, settings)
    assert failed.value.code == code
    assert ANN not in failed.value.detail


@pytest.mark.parametrize(
    ("settings", "content", "places"),
    [
        ({}, f"x,name,email\n1,Ann,{ANN}\n", [2, 1]),
        ({"expected": {"header": ["email", "name"]}}, f"name,new,email\nAnn,1,{ANN}\n", [2, 0]),
        (POSITIONS, f"Mail, Name ,Points,new\n{ANN},Ann,1,2\n", [0, 1]),
        (POSITIONS | {"dialect": {"header": False}}, f"{ANN},Ann,1\n", [0, 1]),
        (HEADED, f"email,name\n{ANN},Müßiggänger\n".encode("cp1252"), [0, 1]),
        (HEADED, f"email,name\n{ANN},Ann\n", [0, 1]),
        ({"map_all": {}, "expected": {"header": ["email", "name"]}}, f"points,name,email\n1,Ann,{ANN}\n", [2, 1, 0]),
        ({"format": "jsonl"}, f'{{"email": "{ANN}"}}\n{{"name": null}}\n', [0, 1]),
        ({"format": "jsonl"}, f'{{"Full name": "Ann", "email": "{ANN}"}}\n', [1, 0]),
        ({"format": "jsonl", "mapping": [NAME[0] | {"required": False}]}, f'{{"email": "{ANN}"}}\n', [0, None]),
        ({"format": "jsonl"}, zipped({"1": "{}", "2": '{"x": 1, " name": 2}', "3": f'{{"email": "{ANN}"}}'}), [1, 0]),
    ],
)
def test_what_may_change_does_no_harm(
    settings: dict[str, Any], content: str | bytes, places: list[int], tmp_path: Path
) -> None:
    assert found(tmp_path, content, settings) == places
