"""From the rows of a sample to a goal's proposal: types, mapping, identifiers, and the properties that are missing.

Rows in, findings out; what is ambiguous is asked. The rules are those of an import: a value is tried by the code that
would read it. Names are judged in `names_matched`, types in `column_types`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from shared.domain.asking import Asking
from shared.domain.built_in import LANGUAGE, OFFERED
from shared.domain.failures import InvalidRequest
from shared.domain.field_words import concept_of
from shared.domain.findings import (
    Certainty,
    Choice,
    Found,
    FoundColumn,
    ProposedMapping,
    ProposedProperty,
    QuestionCode,
    Value,
)
from shared.domain.property import Property, PropertyType
from shared.domain.property_name import MAX_NAME, label_of, property_name
from shared.domain.trimmed import folded
from shared.domain.zones import has_rules, known_zone
from shared.processing.column_look import Look
from shared.processing.column_types import find_column
from shared.processing.identifiers_found import find_identifiers
from shared.processing.names_matched import Match, match_names
from shared.processing.nulls_found import find_nulls
from shared.processing.trials import attempt, values_of

MAX_COLUMNS = 400
"""So many are understood; a goal maps no more."""
_SURE_CONTENT = frozenset({"email", "phone", "url"})


@dataclass
class Proposal:
    """What the rows of a sample come to."""

    columns: list[FoundColumn] = field(default_factory=list)
    mapping: list[ProposedMapping] = field(default_factory=list)
    new_properties: list[ProposedProperty] = field(default_factory=list)
    identifiers: Found[tuple[int, ...]] | None = None
    nulls: Found[tuple[str, ...]] = field(default_factory=lambda: Found(value=()))
    timezone: Found[str] = field(default_factory=lambda: Found(value="UTC"))


def propose(
    frame: pl.DataFrame,
    header: Sequence[str] | None,
    properties: Sequence[Property],
    asking: Asking,
    unfit: Mapping[int, str],
    lists: Mapping[int, str],
) -> Proposal:
    """`frame` has text columns c0, c1, ... without nulls; what is built in need not be among `properties`.

    Of unfit columns, by position, is told why; of those that are known to be lists, what joins their items.
    """
    names_defined = {each.name for each in properties}
    properties = [*properties, *(each for each in OFFERED if each.name not in names_defined)]
    width = min(frame.width, MAX_COLUMNS)
    if frame.width > width:
        asking.remark("columns_not_looked_at", f"Only the first {width} of {frame.width} columns are proposed.")
    names = _names(header, width)
    left_out = _duplicates(names, asking) | dict(unfit)
    known = {each.name: each for each in properties}
    matches = match_names({place: name for place, name in names.items() if place not in left_out}, properties, asking)
    raw = {place: values_of(frame[f"c{place}"]) for place in range(width)}
    nulls = find_nulls(raw, asking)
    looks = [
        Look(
            position=place,
            name=names.get(place),
            concept=concept_of(names.get(place, "")),
            values=raw[place].without(nulls.value),
            distinct=len(raw[place].without(nulls.value)),
            list_mark=lists.get(place),
            wanted=known[match.property].type if (match := matches.get(place)) and match.property else None,
        )
        for place in range(width)
    ]
    proposal = Proposal(nulls=nulls)
    proposal.columns = [find_column(look, asking) for look in looks]
    _match_content(proposal.columns, matches, properties, left_out, asking)
    for place in left_out:
        matches[place] = Match(None, "left_out", Certainty.CERTAIN, left_out[place])
    _map(proposal, looks, matches, known, asking)
    proposal.identifiers = find_identifiers(proposal.columns, looks, proposal.mapping, known, frame.height, asking)
    _mark_identifiers(proposal)
    proposal.timezone = _find_timezone(proposal.columns, looks, asking)
    return proposal


def _names(header: Sequence[str] | None, width: int) -> dict[int, str]:
    """Names that say something, by position."""
    return {place: name for place, name in enumerate((header or ())[:width]) if folded(name)}


def _duplicates(names: dict[int, str], asking: Asking) -> dict[int, str]:
    """Columns to leave out because they share a name, with the reason."""
    by_name: dict[str, list[int]] = {}
    for place, name in names.items():
        by_name.setdefault(folded(name), []).append(place)
    twice = {name: places for name, places in by_name.items() if len(places) > 1}
    if not twice:
        return {}
    shown = ", ".join(repr(name) for name in list(twice)[:5])
    found = asking.ask(
        QuestionCode.DUPLICATE_NAMES,
        "/columns",
        f"More than one column is called {shown}. What shall become of them?",
        [
            Choice(
                value="by_position",
                label="map them by position",
                consequence="They are told apart by where they stand, and must not be moved.",
                example=shown,
            ),
            Choice(value="leave_out", label="leave them out", consequence="None of them is imported.", example=shown),
        ],
    )
    for places in twice.values():
        for place in places:
            # A name that stands twice names nothing.
            names.pop(place)
    if found.value != "leave_out":
        return {}
    return {place: "Its name stands twice in the header." for places in twice.values() for place in places}


def _match_content(
    columns: Sequence[FoundColumn],
    matches: dict[int, Match],
    properties: Sequence[Property],
    left_out: Mapping[int, str],
    asking: Asking,
) -> None:
    """Ask for columns whose values tell their kind, where a property of that kind has no column."""
    for column in columns:
        kind = column.type.value
        if column.position in matches or column.position in left_out or kind.value not in _SURE_CONTENT:
            continue
        taken = {match.property for match in matches.values()}
        free = [each.name for each in properties if each.type is kind and each.name not in taken]
        if not free:
            continue
        choices = [
            Choice(value=name, label=name, consequence="It is imported into that property.", example=column.examples[0])
            for name in free
        ]
        new = Choice(value="+", label="a new property", consequence="A property is made for it.")
        found = asking.ask(
            QuestionCode.MAPPING,
            f"/columns/{column.position}/property",
            f"{column.shown} holds values of type {kind.value}. Into which property do they go?",
            [*choices, new],
        )
        if found.value != "+":
            matches[column.position] = Match(
                str(found.value),
                "content",
                found.certainty,
                f"Its values are of type {kind.value}, as the property's are.",
            )


def _map(
    proposal: Proposal, looks: Sequence[Look], matches: dict[int, Match], known: dict[str, Property], asking: Asking
) -> None:
    taken = set(known)
    for column, look in zip(proposal.columns, looks, strict=True):
        match = matches.get(column.position)
        if match is None:
            proposal.new_properties.append(_new(column, taken))
            name = proposal.new_properties[-1].name
            taken.add(name)
            found = Found[str | None](value=name, why=("No property is called so; it is to be created.",))
            proposal.mapping.append(
                ProposedMapping(position=column.position, property=found, reason="new", is_new=True)
            )
        elif match.property is None:
            found = Found[str | None](value=None, certainty=match.certainty, why=(match.why,))
            proposal.mapping.append(ProposedMapping(position=column.position, property=found, reason="left_out"))
        else:
            proposal.mapping.append(_to_known(column, look, match, known[match.property], asking))


def _to_known(column: FoundColumn, look: Look, match: Match, target: Property, asking: Asking) -> ProposedMapping:
    found = Found[str | None](value=target.name, certainty=match.certainty, why=(match.why,))
    choices: dict[str, str] = {}
    unknown: Any = "reject"
    if target.type.is_choice:
        choices, unknown = _match_choices(column, target, asking)
    elif len(look.values):
        trial = attempt(look.values, target, **column.notation)
        if trial.unfit:
            example = look.values.texts.filter(trial.canonical.is_null())[0]
            answer = asking.ask(
                QuestionCode.UNFIT_VALUES,
                f"/mapping/{column.position}",
                f"{trial.unfit} values of {column.shown} are not {_expected(target)}, which {target.name} is.",
                [
                    Choice(
                        value=True,
                        label="import it",
                        consequence=f"{trial.unfit} of {look.values.filled} rows would be handed back.",
                        example=example,
                    ),
                    Choice(
                        value=False, label="leave the column out", consequence="It is not imported.", example=example
                    ),
                ],
            )
            if answer.value is False:
                found = Found[str | None](value=None, certainty=answer.certainty, why=answer.why)
    return ProposedMapping(
        position=column.position, property=found, reason=match.reason, choices=choices, unknown_choice=unknown
    )


def _expected(target: Property) -> str:
    return "tags of BCP 47" if target == LANGUAGE else f"of type {target.type.value}"


def _match_choices(column: FoundColumn, target: Property, asking: Asking) -> tuple[dict[str, str], str]:
    """The file's words for the property's choices: by equality first, then but for case."""
    all_choices = target.choices
    own = {folded(choice): choice for choice in all_choices}
    alike: dict[str, list[str]] = {}
    for choice in all_choices:
        alike.setdefault(folded(choice).casefold(), []).append(choice)
    words: dict[str, str] = {}
    unknown = []
    for each in column.choices:
        if folded(each.value) in own:
            continue
        candidates = alike.get(folded(each.value).casefold(), [])
        if len(candidates) == 1:
            words[each.value] = candidates[0]
        else:
            unknown.append(each.value)
    if not unknown:
        return words, "reject"
    shown = ", ".join(unknown[:5])
    added = Choice(value="add", label="add them", consequence="They become choices of the property.", example=shown)
    found = asking.ask(
        QuestionCode.UNKNOWN_CHOICES,
        f"/mapping/{column.position}/choices",
        f"{len(unknown)} values of {column.shown} are no choices of {target.name}. What shall become of them?",
        [
            Choice(value="reject", label="hand them back", consequence="Their rows are not imported.", example=shown),
            *([] if target.is_built_in else [added]),
        ],
    )
    return words, str(found.value)


def _new(column: FoundColumn, taken: set[str]) -> ProposedProperty:
    base = property_name(column.name or "")
    if not base:
        kind = column.type.value
        base = kind.value if kind.value in _SURE_CONTENT else f"column_{column.position + 1}"
    name, number = base, 2
    while name in taken:
        suffix = f"_{number}"
        name, number = base[: MAX_NAME - len(suffix)] + suffix, number + 1
    return ProposedProperty(name=name, type=column.type.value, label=label_of(column.name or ""))


def _mark_identifiers(proposal: Proposal) -> None:
    if proposal.identifiers is None:
        return
    named = {entry.property.value for entry in proposal.mapping if entry.position in proposal.identifiers.value}
    proposal.new_properties = [
        each.model_copy(update={"identifier": True}) if each.name in named else each for each in proposal.new_properties
    ]


def _find_timezone(columns: Sequence[FoundColumn], looks: Sequence[Look], asking: Asking) -> Found[str]:
    for column, look in zip(columns, looks, strict=True):
        if (
            column.type.value is not PropertyType.DATETIME
            or not len(look.values)
            or "dateFormat" not in column.notation
        ):
            continue
        here = attempt(look.values, PropertyType.DATETIME, **column.notation)
        elsewhere = attempt(look.values, PropertyType.DATETIME, **column.notation, timezone="Etc/GMT-3")
        if here.reads_like(elsewhere):
            continue
        example = look.values.texts[0]
        found = asking.ask(
            QuestionCode.TIMEZONE,
            "/dialect/timezone",
            f"In which time zone are the times of {column.shown} written? They do not say it.",
            [Choice(value="UTC", label="UTC", consequence="Times are taken as they stand.", example=example)],
            is_free=True,
        )
        return Found(value=_known_zone(found.value), certainty=found.certainty, why=found.why)
    return Found(value="UTC", why=("No time is written without its zone.",))


def _known_zone(answer: Value) -> str:
    """The time zone that was answered. Raises InvalidRequest."""
    refused = f"Found an answer to {QuestionCode.TIMEZONE.value} that is no zone of the IANA database, such as UTC."
    try:
        zone = known_zone(answer if isinstance(answer, str) else "")
    except ValueError:
        raise InvalidRequest(refused) from None
    if not has_rules(zone):
        raise InvalidRequest(refused)
    return zone
