"""A goal is judged against properties, place and the goals beside it; and which patterns can meet in one name."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.domain.built_in import PERMISSION_LEVEL
from shared.domain.event import BUILT_IN, EventProperty, EventType, ItemKind
from shared.domain.goal import Goal, ImportGoal
from shared.domain.merge import MergeRule
from shared.domain.property import Property, PropertyType
from shared.domain.zones import has_rules
from shared.processing.goal_checks import completed, flaws_of, missing_properties
from shared.processing.goal_flaws import Surroundings

_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)
SEGMENT = uuid4()
PROPERTIES = {
    each.name: each
    for each in (
        Property(name="email", type=PropertyType.EMAIL, identifier=True),
        Property(name="customer", type=PropertyType.TEXT, identifier=True),
        Property(name="name", type=PropertyType.TEXT),
        Property(name="points", type=PropertyType.NUMBER),
        Property(name="tags", type=PropertyType.LIST),
        Property(name="born", type=PropertyType.DATE),
    )
}


def _goal(**changes: Any) -> Goal:
    return _GOAL.validate_python(
        {
            "kind": "import_profiles",
            "name": "n",
            "source": {"pattern": {"wildcard": "*.csv"}},
            "identifiers": [{"field": "E", "property": "email"}],
            "opt_in": {"declaration": "undefined"},
            **changes,
        }
    )


def _export(**changes: Any) -> Goal:
    return _GOAL.validate_python(
        {"kind": "export_profiles", "name": "n", "columns": [{"property": "email"}], **changes}
    )


def _with_items(name: str, kinds: int, prefix: str = "i") -> EventType:
    properties = (EventProperty(name="n", type=PropertyType.INTEGER),)
    items = tuple(ItemKind(name=f"{prefix}{number}", properties=properties) for number in range(kinds))
    return EventType(name=name, items=items)


CROWDED = _with_items("crowded", 20)
FULL = _with_items("full", 1, prefix="x" * 49)


def _around(*siblings: Goal, is_hosted: bool = False) -> Surroundings:
    return Surroundings(PROPERTIES, {"default"}, is_hosted, siblings)


def _found(goal: Goal, around: Surroundings | None = None) -> list[tuple[str, str]]:
    return [(flaw.pointer, flaw.code) for flaw in flaws_of(goal, around or _around())]


def test_a_sound_goal_has_no_flaws() -> None:
    mapping = [
        {"field": "N", "property": "name", "rule": "set_or_clear"},
        {"field": "P", "property": "points", "rule": "sum"},
        {"field": "T", "property": "tags", "rule": "add"},
        {"field": "B", "property": "born", "dateFormat": "DD.MM.YY"},
    ]
    assert _found(_goal(mapping=mapping)) == []
    assert _found(_export()) == []


def test_files_of_events_are_of_types_that_there_are_and_not_too_many() -> None:
    around = replace(_around(), event_types={"order": BUILT_IN["order"], "crowded": CROWDED, "full": FULL})
    assert _found(_export(events={"types": "all"}), around) == []
    assert _found(_export(events={"types": ["order", "crowded"]}), around) == []
    told = _export(events={"types": ["order", "gone"]})
    assert _found(told, around) == [("/events/types/1", "unknown_event_type")]
    many = replace(around, event_types={f"t{number}": _with_items(f"t{number}", 20) for number in range(5)})
    told = _export(events={"types": list(many.event_types)})
    assert _found(told, many) == [("/events/types", "too_many_event_files")]
    for types in ("all", ["order"]):
        processors = {"order": [{"kind": "trim", "fields": ["total"]}], "order_products": [{"kind": "trim"}]}
        assert _found(_export(events={"types": types, "processors": processors}), around) == []
        for part, processor, pointer in (
            ("order_items", {"kind": "trim"}, "order_items"),
            ("order", {"kind": "trim", "fields": ["sku"]}, "order/0"),
            ("order_products", {"kind": "trim", "fields": ["E-mail"]}, "order_products/0"),
            ("order", {"kind": "keep_rows", "where": {"segment": str(UUID(int=1))}}, "order/0/where/segment"),
        ):
            found = _found(_export(events={"types": types, "processors": {part: [processor]}}), around)
            code = "unknown_event_file" if part == "order_items" else "invalid_processor"
            assert found == [(f"/events/processors/{pointer}", code)]
    long = {"file_name": f"{'n' * 190}.csv"}
    assert _found(_export(target=long, events={"types": ["order"]}), around) == []
    assert _found(_export(target=long, events={"types": ["order", "full"]}), around) == [
        ("/target/file_name", "name_too_long")
    ]


def test_rows_per_message_show_nothing_of_people_and_messages_that_are_named_are_there() -> None:
    around = replace(_around(), messages={7})
    people = [{"fact": "first_opened_at"}, {"property": "email"}, {"text": "x"}, {"fact": "opens"}]
    goal = _export(kind="export_responses", columns=people, messages=[7], identifier="email", with_unsubscribes=True)
    assert _found(goal, around) == []
    assert _found(goal.model_copy(update={"per": "message"}), around) == [
        ("/columns/0/fact", "not_of_rows"),
        ("/columns/1", "not_of_rows"),
        ("/identifier", "not_of_rows"),
        ("/with_unsubscribes", "not_of_rows"),
    ]
    totals = _export(
        kind="export_responses", columns=[{"fact": "unique_opens"}, {"fact": "message_number"}], messages=[8]
    )
    assert _found(totals, around) == [("/messages/0", "unknown_message"), ("/columns/0/fact", "not_of_rows")]
    asking = [{"kind": "keep_rows", "where": {"segment": str(SEGMENT)}}]
    by_segment = _export(kind="export_responses", columns=[{"fact": "opens"}], processors=asking)
    around = replace(around, segments={SEGMENT})
    assert _found(by_segment, around) == []
    flaws = _found(by_segment.model_copy(update={"per": "message"}), around)
    assert flaws == [("/processors/0/where/segment", "invalid_processor")]
    sms = _export(kind="export_sms", columns=[{"fact": "failure"}, {"property": "shoe_size"}], messages=[9])
    assert _found(sms, around) == [("/messages/0", "unknown_message"), ("/columns/1/property", "unknown_property")]


@pytest.mark.parametrize("kind", ["export_profiles", "export_sms"])
def test_each_kind_of_export_has_facts_of_its_own(kind: str) -> None:
    with pytest.raises(ValidationError, match="unknown_column" if kind == "export_profiles" else "delivered_at"):
        _export(kind=kind, columns=[{"fact": "opens"}])


@pytest.mark.parametrize("rule", list(MergeRule))
def test_an_identifier_can_be_mapped_by_the_rule_set_alone(rule: MergeRule) -> None:
    goal = _goal(mapping=[{"field": "C", "property": "customer", "rule": rule}])
    assert _found(goal) == ([] if rule is MergeRule.SET else [("/mapping/0/rule", "rule_not_allowed")])


def test_always_create_and_no_identifiers_demand_each_other() -> None:
    assert _found(_goal(identifiers=[], mode="always_create")) == []
    assert _found(_goal(mode="always_create")) == [("/identifiers", "identifiers_unused")]
    for mode in ("upsert", "create_only", "update_only"):
        assert _found(_goal(identifiers=[], mode=mode)) == [("/identifiers", "no_identifiers")]


def test_what_nothing_names_cannot_get_a_value_later() -> None:
    made: dict[str, Any] = {"identifiers": [], "mode": "always_create"}
    assert _found(_goal(**made, on_bad_value="reject_value")) == [("/on_bad_value", "values_stay_lost")]
    mapping = [{"field": "N", "property": "name"}, {"field": "P", "property": "points", "on_bad_value": "reject_value"}]
    assert _found(_goal(**made, mapping=mapping)) == [("/mapping/1", "values_stay_lost")]
    opt_in = {"declaration": "from_file", "field": "O", "on_bad_value": "reject_value"}
    language = {"field": "L", "on_bad_value": "reject_value"}
    assert _found(_goal(mode="create_only", opt_in=opt_in, language=language)) == [
        ("/opt_in", "values_stay_lost"),
        ("/language", "values_stay_lost"),
    ]


def test_nothing_sets_a_system_id() -> None:
    mapping = [{"field": "S", "property": "system_id"}]
    goal = _goal(mapping=mapping, create_properties=True)
    assert _found(goal) == [("/mapping/0/property", "unknown_property")]
    assert missing_properties(goal, _around().properties) == []


@pytest.mark.parametrize("date_format", ["QQQQ", "YYYY-MM-DD"])
def test_an_identifiers_notation_is_looked_at(date_format: str) -> None:
    entry = {"field": "E", "property": "email", "dateFormat": date_format}
    flaws = ["invalid_date_pattern"] * (2 if date_format == "QQQQ" else 1)
    assert [code for _, code in _found(_goal(identifiers=[entry]))] == flaws
    assert [code for _, code in _found(_goal(identifiers=[entry], format="jsonl"))] == [*flaws, "one_notation"]


def test_who_is_absent_cannot_be_told_without_identifiers() -> None:
    made: dict[str, Any] = {"identifiers": [], "mode": "always_create", "full_file": True}
    assert _found(_goal(**made, absent={"then": "unsubscribe"})) == [("/absent/then", "absent_needs_identifiers")]


def test_importing_twice_what_always_creates_is_asked_about() -> None:
    goal = _goal(identifiers=[], mode="always_create")
    assert isinstance(goal, ImportGoal)
    assert goal.on_duplicate_content == "ask"


def test_a_system_id_stands_alone_and_creates_nobody() -> None:
    by_id = [{"field": "Internal_ID", "property": "system_id"}]
    assert _found(_goal(identifiers=by_id, mode="update_only")) == []
    for mode in ("upsert", "create_only"):
        assert _found(_goal(identifiers=by_id, mode=mode)) == [("/mode", "system_id_only_updates")]
    both = [*by_id, {"field": "E", "property": "email"}]
    assert _found(_goal(identifiers=both, mode="update_only")) == [("/identifiers", "system_id_alone")]
    mapping = [{"field": "S", "property": "system_id"}]
    assert _found(_goal(mapping=mapping)) == [("/mapping/0/property", "unknown_property")]


def test_a_date_format_belongs_to_dates() -> None:
    assert _found(_goal(mapping=[{"field": "N", "property": "name", "dateFormat": "DD.MM.YYYY"}])) == [
        ("/mapping/0/dateFormat", "invalid_date_pattern")
    ]
    assert _found(_goal(mapping=[{"field": "B", "property": "born", "dateFormat": "DD.DD.YYYY"}])) == [
        ("/mapping/0/dateFormat", "invalid_date_pattern")
    ]


def test_only_a_hosted_folder_knows_the_end_of_an_upload() -> None:
    source = {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}}
    assert _found(_goal(source=source)) == [("/source/readiness/strategy", "readiness_not_available")]
    assert _found(_goal(source=source), _around(is_hosted=True)) == []


def test_on_a_hosted_folder_closed_is_the_default_and_no_more() -> None:
    hosted = completed(_goal(), is_hosted=True)
    assert isinstance(hosted, ImportGoal)
    assert hosted.source.readiness.strategy == "closed"
    said = _goal(source={"pattern": {"wildcard": "*"}, "readiness": {"strategy": "rename"}})
    assert completed(said, is_hosted=True) == said
    assert completed(_goal(), is_hosted=False) == _goal()


def test_goals_that_can_take_one_file_agree_on_what_becomes_of_it() -> None:
    deletes = {"pattern": {"wildcard": "a*"}, "afterwards": {"done": {"delete": True}}}
    assert _found(_goal(source=deletes), _around(_goal())) == [("/source/afterwards", "conflicting_afterwards")]
    assert _found(_goal(source={**deletes, "pattern": {"wildcard": "a*.txt"}}), _around(_goal())) == []
    assert _found(_goal(source={**deletes, "directory": "in"}), _around(_goal())) == []
    assert _found(_goal(source=deletes, active=False), _around(_goal())) == []
    by_expression = {**deletes, "pattern": {"regular_expression": r"[a-f]+\.(csv|txt)"}}
    assert _found(_goal(source=by_expression), _around(_goal())) == [("/source/afterwards", "conflicting_afterwards")]
    assert _found(_goal(source={**deletes, "pattern": {"regular_expression": r".*\.txt"}}), _around(_goal())) == []


def test_a_newer_consent_is_told_by_its_time() -> None:
    newer = {"declaration": "everyone", "resubscribe": "if_newer"}
    assert _found(_goal(opt_in=newer)) == [("/opt_in/time", "consent_time_needed")]
    assert _found(_goal(opt_in={**newer, "time": {"field": "Since"}})) == []
    zone = {"field": "Since", "timezone": "right/Europe/Amsterdam"}
    assert _found(_goal(opt_in={**newer, "time": zone})) == [("/opt_in/time/timezone", "unknown_zone")]
    odd = {"field": "Since", "dateFormat": "DD.QQ"}
    assert _found(_goal(opt_in={**newer, "time": odd})) == [("/opt_in/time/dateFormat", "invalid_date_pattern")]


def test_choices_that_are_built_in_are_not_added_to() -> None:
    level = {"field": "Level", "property": "permission_level", "unknown_choice": "add"}
    around = _around()
    around = replace(around, properties={**around.properties, PERMISSION_LEVEL.name: PERMISSION_LEVEL})
    assert _found(_goal(mapping=[level]), around) == [("/mapping/0/unknown_choice", "choices_are_fixed")]


@pytest.mark.parametrize(
    ("changes", "flaws"),
    [
        ({"full_file": True, "lists": {"add_to": [1]}, "absent": {"then": "remove_from_list"}}, []),
        ({"full_file": True, "absent": {"then": "unsubscribe"}}, []),
        ({"full_file": True, "absent": {"then": "remove_from_list"}}, [("/lists/add_to", "absent_needs_list")]),
        (
            {"full_file": True, "lists": {"add_to": [1, 2]}, "absent": {"then": "unsubscribe"}},
            [("/lists/add_to/1", "unknown_list"), ("/lists/add_to", "absent_needs_list")],
        ),
        ({"absent": {"then": "unsubscribe"}}, [("/absent/then", "absent_needs_full_file")]),
        (
            {"full_file": True, "mapping": [{"field": "P", "property": "points", "rule": "sum"}]},
            [("/full_file", "sum_needs_delta")],
        ),
        (
            {"full_file": True, "default_rule": "sum", "mapping": [{"field": "P", "property": "points"}]},
            [("/full_file", "sum_needs_delta")],
        ),
    ],
)
def test_a_full_file_says_whom_it_is_full_of_and_sums_nothing(
    changes: dict[str, Any], flaws: list[tuple[str, str]]
) -> None:
    around = Surroundings(PROPERTIES, {"default"}, is_hosted=False, lists={1})
    assert _found(_goal(**changes), around) == flaws


CONSTANTS = [
    ("name", "web", "set", []),
    ("points", "12.5", "sum", []),
    ("points", "12,5", "set", [("/mapping/0/constant", "invalid_constant")]),
    ("points", " ", "set", [("/mapping/0/constant", "invalid_constant")]),
    ("born", "2024-12-31", "set_if_empty", []),
    ("born", "31.12.2024", "set", [("/mapping/0/constant", "invalid_constant")]),
    ("tags", "a|b", "add", []),
    ("name", "web", "sum", [("/mapping/0/rule", "rule_not_allowed")]),
    ("customer", "7", "set", [("/mapping/0/constant", "invalid_constant")]),
    ("nowhere", "7", "set", [("/mapping/0/property", "unknown_property")]),
]


@pytest.mark.parametrize(("target", "constant", "rule", "found"), CONSTANTS)
def test_a_constant_is_a_value_of_its_property(
    target: str, constant: str, rule: str, found: list[tuple[str, str]]
) -> None:
    entry = {"constant": constant, "property": target, "rule": rule}
    assert _found(_goal(mapping=[entry], dialect={"dateFormat": "DD.MM.YYYY", "decimalChar": ","})) == found


def test_a_constant_is_not_summed_where_rows_may_come_back_for_one_value() -> None:
    mapping = [
        {"constant": "1", "property": "points", "rule": "sum"},
        {"field": "B", "property": "born", "on_bad_value": "reject_value"},
    ]
    assert _found(_goal(mapping=mapping)) == [("/mapping/0/rule", "rule_not_allowed")]


@pytest.mark.parametrize("more", [{"field": "N"}, {"position": 1}, {"dateFormat": "DD.MM.YYYY"}, {"required": False}])
def test_a_constant_has_no_column(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"exactly one of|no column"):
        _goal(mapping=[{"constant": "web", "property": "name", **more}])


def test_missing_properties_of_the_mapping_are_made_where_the_goal_says_so() -> None:
    mapping = [
        {"field": "N", "property": "name"},
        {"field": "S", "property": "size", "type": "single_choice", "choices": {"s": "Small", "sm": "Small"}},
        {"constant": "web", "property": "origin"},
        {"field": "P", "property": "points", "type": "integer"},
    ]
    wanted = _goal(mapping=mapping, create_properties=True)
    assert [(each.name, each.type.value, each.choices) for each in missing_properties(wanted, PROPERTIES)] == [
        ("size", "single_choice", ("Small",)),
        ("origin", "text", ()),
    ]
    assert _found(wanted) == [("/mapping/3/type", "other_type")]
    assert _found(_goal(mapping=mapping[1:3])) == [
        ("/mapping/0/property", "unknown_property"),
        ("/mapping/1/property", "unknown_property"),
    ]


def test_what_map_all_makes_takes_its_rule() -> None:
    summed = {"map_all": {"rule": "sum"}, "create_properties": True}
    assert _found(_goal(**summed)) == [("/map_all/rule", "rule_not_allowed")]
    assert _found(_goal(**summed | {"map_all": {"rule": "sum", "type": "number"}})) == []


def test_a_zone_that_is_not_the_same_everywhere_is_refused() -> None:
    goal = _goal(
        dialect={"timezone": "Factory"},
        mapping=[{"field": "B", "property": "born", "timezone": "Factory"}],
        processors=[{"kind": "reformat_date", "field": "B", "from": "DD.MM.YYYY", "timezone": "Factory"}],
    )
    assert [each for each in _found(goal) if each[1] == "unknown_zone"] == [
        ("/dialect/timezone", "unknown_zone"),
        ("/mapping/0/timezone", "unknown_zone"),
        ("/processors/0/timezone", "unknown_zone"),
    ]
    strange = ("right/Europe/Amsterdam", "posix/UTC", "localtime")
    assert [has_rules(zone) for zone in (*strange, "UTC", "Europe/Amsterdam")] == [False, False, False, True, True]
