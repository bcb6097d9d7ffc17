"""What a client says of a group in JSON, typed by the rules that columns of files go by. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shared.domain.event import EventProperty
from shared.domain.identifier import MAX_IDENTIFIER_BYTES, key_of
from shared.domain.property import Property, PropertyType
from shared.domain.reject import RejectCode
from shared.processing.event_values import Properties, typed_properties


@dataclass(slots=True)
class TypedGroup:
    """What becomes of a group's columns; or the first thing that keeps it from that."""

    columns: dict[str, Any] = field(default_factory=dict)
    """Values and keys by column; None for what the group has no more."""
    keys: list[str] = field(default_factory=list)
    """Which of the columns are keys of identifiers."""
    code: str | None = None
    at: tuple[str | int, ...] = ()
    """Where in the group: ("properties", "founded")."""


def typed_group(known: Sequence[Property], said: Properties, identifier: str) -> TypedGroup:
    """What is said of a group. `identifier` is the property that names it: it can be changed, but not cleared."""
    entries = [EventProperty(name=each.name, type=each.type, choices=each.choices) for each in known]
    typed = typed_properties(entries, said)
    group = TypedGroup(code=typed.code, at=typed.at)
    if group.code is not None:
        return group
    for each in (each for each in known if each.name in said):
        text = typed.properties.get(each.name)
        value = None if text is None else _stored(each.type, text)
        group.columns[each.column] = value
        if each.is_identifier:
            key = None if value is None else key_of(_text(value), each.type)
            group.columns[each.key_column] = key
            group.keys.append(each.key_column)
            if key is not None and len(key.encode()) > MAX_IDENTIFIER_BYTES:
                group.code, group.at = RejectCode.IDENTIFIER_TOO_LONG.value, ("properties", each.name)
        if each.name == identifier and value is None:
            group.code, group.at = RejectCode.NO_IDENTIFIER.value, ("properties", each.name)
    return group


def _text(value: Any) -> str:
    """As keys have it: of a number without the zeros at its end."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stored(kind: PropertyType, value: Any) -> Any:
    match kind:
        case PropertyType.INTEGER:
            return int(value)
        case PropertyType.NUMBER:
            return Decimal(value)
        case PropertyType.DATE:
            return date.fromisoformat(value)
        case PropertyType.DATETIME:
            return datetime.fromisoformat(value)
    return value
