"""What an export may name, and where its files may go beside those of other goals."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from shared.domain.event import EventType
from shared.domain.goal import Goal
from shared.domain.property import Property, PropertyType
from shared.processing.goal_checks import flaws_of
from shared.processing.goal_flaws import Surroundings

_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)
_PROPERTIES = {"email": Property(name="email", type=PropertyType.EMAIL, identifier=True)}
_OF_GROUPS = {"code": Property(name="code", type=PropertyType.TEXT, identifier=True)}
FEW, MANY = UUID(int=1), UUID(int=2)
AROUND = Surroundings(
    _PROPERTIES,
    {"default"},
    is_hosted=False,
    event_types={"order": EventType(name="order")},
    group_types={"company"},
    group_properties=_OF_GROUPS,
    segments={FEW, MANY},
    segment_names={FEW: "Few", MANY: "Many"},
)


def _export(name: str = "all.csv", directory: str = "out", **changes: Any) -> Goal:
    plain: dict[str, Any] = {
        "kind": "export_profiles",
        "name": "Export",
        "target": {"directory": directory, "file_name": name},
        "columns": [{"property": "email"}],
    }
    return _GOAL.validate_python({**plain, **changes})


def _groups(name: str = "all.csv", **changes: Any) -> Goal:
    plain = {"kind": "export_groups", "group_type": "company", "columns": [{"property": "code"}, {"fact": "members"}]}
    return _export(name, **{**plain, **changes})


def _import(wildcard: str, directory: str = "out", **changes: Any) -> Goal:
    plain: dict[str, Any] = {
        "kind": "import_profiles",
        "name": "Import",
        "source": {"directory": directory, "pattern": {"wildcard": wildcard}},
        "identifiers": [{"field": "E", "property": "email"}],
        "opt_in": {"declaration": "undefined"},
    }
    return _GOAL.validate_python({**plain, **changes})


def _found(goal: Goal, *siblings: Goal) -> list[tuple[str, str]]:
    return [(flaw.pointer, flaw.code) for flaw in flaws_of(goal, replace(AROUND, siblings=siblings))]


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (_export(), _export(), True),
        (_export(), _groups(), True),
        (_export(), _export("others.csv"), False),
        (_export(), _export(directory="out/more"), False),
        (_export(), _export(active=False), False),
        (_export("all_{requested_at:YYYYMMDD}.csv"), _export("all_{requested_at:YYYYMMDD}.csv"), True),
        (_export("all_{requested_at:YYYYMMDD}.csv"), _export("all_{requested_at:YYMMDD}.csv"), False),
        (_export(), _export(packing={"compression": "gzip"}), False),
        (_export("all.csv.gz", packing={"compression": "gzip"}), _export(packing={"compression": "gzip"}), True),
        (_export(leavers=True), _export("all_left.csv"), True),
        (_export(events={"types": ["order"]}), _export("all_order.csv"), True),
        (_export(split={"rows": 9}), _export("all_417.csv"), True),
        (_export(split={"rows": 9}), _export("all_old.csv"), False),
        (_export(checksum=True), _export("all.csv.sha256"), True),
        (_export("{segment}.csv", segment=FEW), _export("{segment}.csv", segment=FEW), True),
        (_export("{segment}.csv", segment=FEW), _export("{segment}.csv", segment=MANY), False),
        (_export("{segment}.csv", segment=FEW), _export("Few.csv"), True),
    ],
)
def test_no_two_exports_write_the_same_file(one: Goal, other: Goal, *, meet: bool) -> None:
    expected = [("/target/file_name", "same_file_name")] if meet else []
    for goal, sibling in ((one, other), (other, one)):
        assert _found(goal, sibling) == expected


@pytest.mark.parametrize(
    ("export", "taking", "meet"),
    [
        (_export(), _import("*.csv"), True),
        (_export(), _import("*.csv", "in"), False),
        (_export(), _import("*.csv", "out/back"), False),
        (_export(), _import("contacts_*.csv"), False),
        (_export(), _import("*.csv", active=False), False),
        (_export("{segment}_{requested_at:YYYYMMDD}.csv", segment=FEW), _import("Few_*.csv"), True),
        (_export("{segment}_{requested_at:YYYYMMDD}.csv", segment=MANY), _import("Few_*.csv"), False),
        (_export(leavers=True), _import("*_left.csv"), True),
        (_groups(), _import("all.*"), True),
    ],
)
def test_no_import_takes_what_is_exported(export: Goal, taking: Goal, *, meet: bool) -> None:
    assert _found(export, taking) == ([("/target", "export_watched")] if meet else [])
    assert _found(taking, export) == ([("/source", "export_watched")] if meet else [])


def test_what_is_shown_of_groups_must_be_there() -> None:
    assert _found(_groups(columns=[{"property": "code"}, {"property": "created_at"}, {"text": "us"}])) == []
    assert _found(_groups(group_type="firm", columns=[{"property": "email"}, {"property": "opt_in"}])) == [
        ("/group_type", "unknown_group_type"),
        ("/columns/0/property", "unknown_property"),
        ("/columns/1/property", "unknown_property"),
    ]
    company = {"group": {"type": "company", "property": "system_id"}}
    assert _found(_export(columns=[company])) == []
    assert _found(_export(columns=[company, {"group": {"type": "firm", "property": "email"}}])) == [
        ("/columns/1/group/type", "unknown_group_type"),
        ("/columns/1/group/property", "unknown_property"),
    ]
    drop = {"kind": "drop_columns", "fields": ["members"]}
    assert _found(_groups(processors=[drop])) == []
    assert _found(_groups(processors=[drop, drop])) == [("/processors/1", "invalid_processor")]
    asking = {"kind": "keep_rows", "where": {"segment": str(FEW)}}
    assert _found(_groups(processors=[asking])) == [("/processors/0/where/segment", "invalid_processor")]
