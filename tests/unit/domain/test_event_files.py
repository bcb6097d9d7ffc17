"""Files of timeline events: which there are, what they are called, and what stands above their columns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.event import BUILT_IN, MAX_EVENT_TYPES, EventProperty, EventType, ItemKind
from shared.domain.event_files import EventFiles, tables_of
from shared.domain.property import PropertyType

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _type(name: str, *kinds: str, message: Any = None, properties: tuple[str, ...] = ()) -> EventType:
    told = tuple(EventProperty(name=each, type=PropertyType.TEXT) for each in properties)
    own = told or (EventProperty(name="sku", type=PropertyType.TEXT),)
    items = tuple(ItemKind(name=each, properties=own) for each in kinds)
    return EventType(name=name, message=message, properties=told, items=items)


@pytest.mark.parametrize(
    ("types", "parts"),
    [
        ([BUILT_IN["order"], BUILT_IN["sent"]], ["order", "order_products", "sent"]),
        ([_type("order_products"), BUILT_IN["order"]], ["order_products", "order", "order_products_items"]),
        ([BUILT_IN["order"], _type("order_products")], ["order", "order_products", "order_products_events"]),
        ([_type("left"), _type("left_events")], ["left_events", "left_events_events"]),
        ([_type("a", "b_c"), _type("a_b", "c")], ["a", "a_b_c", "a_b", "a_b_c_items"]),
        ([], []),
    ],
)
def test_no_two_files_of_a_run_have_one_name(types: list[EventType], parts: list[str]) -> None:
    assert [each.part for each in tables_of(types)] == parts


def _headings(kind: EventType, identifier: str, place: int = 0) -> list[str]:
    return [each.heading for each in tables_of([kind])[place].columns(identifier, PropertyType.EMAIL)]


def test_keys_come_first_and_no_two_columns_have_one_heading() -> None:
    keys = ["event_number", "event_id"]
    assert _headings(BUILT_IN["bounced"], "E-mail") == [
        *(*keys, "E-mail", "occurred_at", "message_reference", "message_name"),
        *("kind", "code", "reason"),
    ]
    assert _headings(BUILT_IN["order"], "email", 1)[:6] == [*keys, "email", "item_number", "product_id", "sku"]
    own = _type("visit", "page", message="sms", properties=("email", "event_id", "occurred_at", "item_number", "n"))
    assert _headings(own, "email") == [
        *(*keys, "email", "occurred_at", "message_reference", "message_name"),
        *("visit.email", "visit.event_id", "visit.occurred_at", "item_number", "n"),
    ]
    assert _headings(own, "email", 1) == [
        *(*keys, "email", "item_number", "page.email", "page.event_id", "occurred_at", "page.item_number", "n")
    ]
    # Whatever stands above the identifier in the main file.
    assert _headings(_type("a", properties=("n",)), "event_id") == [*keys, "profile.event_id", "occurred_at", "n"]
    assert _headings(_type("a", properties=("n",)), "occurred_at")[2:4] == ["occurred_at", "event.occurred_at"]


def test_a_period_begins_or_ends_when_the_run_was_asked_for() -> None:
    day = timedelta(days=1)
    for said, bounds in (
        (None, (None, None)),
        ({"last_days": 2}, (NOON - 2 * day, NOON)),
        ({"next_days": 3}, (NOON, NOON + 3 * day)),
    ):
        assert EventFiles.model_validate({"types": "all", "period": said}).bounds(NOON) == bounds


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"types": []},
        {"types": "order"},
        {"types": ["order", "order"]},
        {"types": ["Order"]},
        {"types": [f"t{number}" for number in range(MAX_EVENT_TYPES)]},
        {"types": "all", "period": {}},
        {"types": "all", "period": {"last_days": 1, "next_days": 1}},
        {"types": "all", "period": {"last_days": 0}},
        {"types": "all", "period": {"next_days": 36_501}},
        {"types": "all", "processors": {"../order": []}},
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EventFiles.model_validate(said)
