"""Conditions: what a row of a file, or a profile, must be like. One tree, read here, asked elsewhere.

    {"field": "Country", "in": ["NL", "BE"]}
    {"all": [{"field": "Points", "type": "number", "at_least": 10}, {"not": {"field": "E-mail", "empty": true}}]}
    {"any": [{"property": "city", "equals": "Gent", "ignore_case": true}, {"list": 7}, {"consent": "opted_in"}]}

A comparison names a column of a file (`field` or `position`) or a property of a profile (`property`), and has exactly
one operator (shared/domain/comparison.py). Of profiles more can be asked: shared/domain/profile_conditions.py. A column
of a file is text, unless the comparison says `type`: then its values are read as the goal's dialect writes them, and
**one that cannot be read so counts as empty**.

What the operators mean, wherever a condition is asked (polars and PostgreSQL are held together by a test):

* **Nothing.** An empty value, one of white space alone, one of the dialect's null sequences, and an empty list are
  nothing. Logic has two values: every comparison with nothing is false, `not_equals` too, and `not` of it is true.
  Whoever asks for nothing says `empty`.
* **Text** is compared as it stands, by code points and not by the rules of a language: `less` and the others of that
  kind put `Z` before `a` before `É`. `ignore_case` folds both sides by shared/domain/case_folding.py.
* **Numbers** are exact, with 28 digits before and 10 behind the decimal character; they are given as `10` or `"0.1"`.
* **Dates** are given as `"2024-12-31"`, **datetimes** with their zone as `"2024-12-31T23:59:59+01:00"`.
* **Lists** know `contains` (one item, whole) and `empty`. `between` takes both ends in.
* `matches` looks for a regular expression anywhere, in the notation of shared/domain/regular_expression.py.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag

from shared.domain.comparison import Comparison
from shared.domain.model import Model
from shared.domain.profile_conditions import (
    EventChoice,
    EventSeen,
    HasConsent,
    InGroup,
    InSegment,
    IsSuppressed,
    OnList,
)

MAX_DEPTH = 10
MAX_NODES = 200


class AllOf(Model):
    """Every one of these holds."""

    all: tuple["Node", ...] = Field(min_length=1, max_length=MAX_NODES)


class AnyOf(Model):
    """At least one of these holds."""

    any: tuple["Node", ...] = Field(min_length=1, max_length=MAX_NODES)


class Negation(Model):
    """This does not hold."""

    negated: "Node" = Field(alias="not")


_TAGS = {
    "all": "all_of",
    "any": "any_of",
    "not": "negation",
    "list": "on_list",
    "consent": "has_consent",
    "suppression": "is_suppressed",
    "group": "in_group",
    "event": "event_seen",
    "segment": "in_segment",
}
"""By the field that a condition is known by. They are no names of fields, so that they lead nowhere in a pointer."""


def _tag(value: object) -> str:
    names: Any = value if isinstance(value, dict) else ()
    if isinstance(value, BaseModel):
        names = [field.alias or name for name, field in type(value).model_fields.items()]
    return next((tag for name, tag in _TAGS.items() if name in names), "comparison")


Leaf = Comparison | OnList | HasConsent | IsSuppressed | InGroup | EventSeen | InSegment
"""What has no conditions of the same kind in it."""

Node = Annotated[
    Annotated[AllOf, Tag("all_of")]
    | Annotated[AnyOf, Tag("any_of")]
    | Annotated[Negation, Tag("negation")]
    | Annotated[Comparison, Tag("comparison")]
    | Annotated[OnList, Tag("on_list")]
    | Annotated[HasConsent, Tag("has_consent")]
    | Annotated[IsSuppressed, Tag("is_suppressed")]
    | Annotated[InGroup, Tag("in_group")]
    | Annotated[EventSeen, Tag("event_seen")]
    | Annotated[InSegment, Tag("in_segment")],
    Discriminator(_tag),
]
EventChoice.model_rebuild(_types_namespace={"Node": Node})
EventSeen.model_rebuild(force=True)
AllOf.model_rebuild()
AnyOf.model_rebuild()
Negation.model_rebuild()


def _bounded(value: object) -> object:
    """Size and depth, judged before anything is read, level by level."""
    level, nodes = [value], 0
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        if nodes > MAX_NODES:
            raise ValueError(f"found more than {MAX_NODES} conditions in one")
        level = [inner for each in level for inner in _inner(each)]
    if level:
        raise ValueError(f"found conditions nested deeper than {MAX_DEPTH}")
    return value


def _inner(value: object) -> list[object]:
    if isinstance(value, BaseModel):
        return [node for _, node in children(value)]  # type: ignore[arg-type]  # a model here is a node
    if not isinstance(value, dict):
        return []
    found: list[object] = [value["not"]] if "not" in value else []
    for name in ("all", "any"):
        if isinstance(value.get(name), list | tuple):
            found += value[name]
    event = value.get("event")
    if isinstance(event, dict) and event.get("where") is not None:
        found.append(event["where"])
    return found


Condition = Annotated[Node, BeforeValidator(_bounded)]
"""A whole condition, bounded in size and depth: the type for a field of a model."""


def children(condition: Node) -> tuple[tuple[str, Node], ...]:
    """What a condition is made of, each with its RFC 6901 pointer. What an event must be like is of another kind."""
    match condition:
        case AllOf(all=inner):
            return tuple((f"/all/{number}", each) for number, each in enumerate(inner))
        case AnyOf(any=inner):
            return tuple((f"/any/{number}", each) for number, each in enumerate(inner))
        case Negation(negated=one):
            return (("/not", one),)
        case EventSeen() if condition.event.where is not None:
            return (("/event/where", condition.event.where),)
    return ()


def leaves(condition: Node, pointer: str = "") -> Iterator[tuple[str, Leaf]]:
    """Everything that a condition asks, with its RFC 6901 pointer, in order; not what it asks of events."""
    match condition:
        case AllOf() | AnyOf() | Negation():
            for further, inner in children(condition):
                yield from leaves(inner, pointer + further)
        case _:
            yield pointer, condition


def comparisons(condition: Node, pointer: str = "") -> Iterator[tuple[str, Comparison]]:
    """Every comparison of a condition, with its RFC 6901 pointer, in order; not those of events."""
    for where, leaf in leaves(condition, pointer):
        if isinstance(leaf, Comparison):
            yield where, leaf
