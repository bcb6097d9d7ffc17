"""Which column goes into which property, by what both are called: the surest match first.

Of two columns that could be one property none is taken in silence. A word that usually means a property, in whatever
language, is enough where it means little else; a looser one (`date`, `id`) is asked about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.domain.asking import Asking
from shared.domain.field_words import concept_of, normalised
from shared.domain.findings import Certainty, Choice, QuestionCode
from shared.domain.property import Property
from shared.domain.trimmed import folded

Reason = Literal["name", "normalised_name", "label", "alias", "usual_name", "content", "new", "left_out", "answered"]

_LOOSE = frozenset(
    {
        "created_at",
        "updated_at",
        "customer_id",
        "opt_in",
        "points",
        "amount",
        "member",
        "tags",
        "full_name",
        "salutation",
        "state",
        "street",
    }
)
LEFT_OUT = None


@dataclass(frozen=True)
class Match:
    """A column's property, and why."""

    property: str | None
    reason: Reason
    certainty: Certainty
    why: str


Rule = Callable[[str, Property], bool]

_RULES: tuple[tuple[Reason, Rule, str], ...] = (
    ("name", lambda name, each: folded(name) == each.name, "The column is called as the property is."),
    (
        "label",
        lambda name, each: bool(each.label) and folded(name) == folded(each.label),
        "It is the property's label.",
    ),
    ("alias", lambda name, each: folded(name) in map(folded, each.other_names), "It is an alias of the property."),
    (
        "normalised_name",
        lambda name, each: normalised(name) != "" and normalised(name) in map(normalised, names_of(each)),
        "It is one of the property's names, but for case, accents or punctuation.",
    ),
)


def names_of(each: Property) -> tuple[str, ...]:
    """What a property's column may be called: its name, its label, its aliases."""
    return (each.name, *each.other_names)


def match_names(names: Mapping[int, str], properties: Sequence[Property], asking: Asking) -> dict[int, Match]:
    """The columns, by position, whose names tell their property."""
    found: dict[int, Match] = {}
    for reason, rule, why in _RULES:
        _take(found, _pairs(names, properties, found, rule), names, reason, why, asking)
    usual = _pairs(names, properties, found, _is_usual)
    sure = {name: columns for name, columns in usual.items() if concept_of(name) not in _LOOSE}
    loose = {name: columns for name, columns in usual.items() if name not in sure}
    _take(found, sure, names, "usual_name", "Such columns are usually called so.", asking)
    for name, columns in loose.items():
        _ask(found, name, columns, names, "usual_name", asking)
    return found


def _is_usual(name: str, each: Property) -> bool:
    concept = concept_of(name)
    return concept is not None and concept in {concept_of(other) for other in names_of(each)}


def _pairs(
    names: Mapping[int, str], properties: Sequence[Property], found: Mapping[int, Match], rule: Rule
) -> dict[str, list[int]]:
    """Per property without a column, the columns without a property that the rule allows."""
    taken = {match.property for match in found.values()}
    left = {position: name for position, name in names.items() if position not in found}
    pairs = {
        each.name: [position for position, name in left.items() if rule(name, each)]
        for each in properties
        if each.name not in taken
    }
    return {name: columns for name, columns in pairs.items() if columns}


def _take(
    found: dict[int, Match],
    pairs: Mapping[str, list[int]],
    names: Mapping[int, str],
    reason: Reason,
    why: str,
    asking: Asking,
) -> None:
    for name, columns in pairs.items():
        rivals = [other for other, its in pairs.items() if other != name and set(its) & set(columns)]
        if len(columns) == 1 and not rivals:
            found.setdefault(columns[0], Match(name, reason, Certainty.CERTAIN, why))
        else:
            _ask(found, name, columns, names, reason, asking)


def _ask(
    found: dict[int, Match], name: str, columns: Sequence[int], names: Mapping[int, str], reason: Reason, asking: Asking
) -> None:
    choices = [
        Choice(value=place, label=repr(names[place]), consequence=f"The column is imported into {name}.")
        for place in columns
        if place not in found
    ]
    if not choices:
        return
    none = Choice(value=LEFT_OUT, label="none of them", consequence=f"Nothing is imported into {name}.")
    answer = asking.ask(
        QuestionCode.MAPPING,
        f"/properties/{name}",
        f"Which column holds the property {name}?",
        [*choices, none],
    )
    if isinstance(answer.value, int) and not isinstance(answer.value, bool):
        reason = "answered" if answer.certainty is Certainty.ANSWERED else reason
        found[answer.value] = Match(name, reason, answer.certainty, "It may be this column.")
