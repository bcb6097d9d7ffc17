"""Which columns name a profile: their property is an identifier, or their values are all there and all different."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.asking import Asking
from shared.domain.field_words import concept_of
from shared.domain.findings import Choice, Found, FoundColumn, ProposedMapping, QuestionCode
from shared.domain.property import Property, PropertyType
from shared.processing.column_look import Look
from shared.processing.identity import is_too_long, keys_of

_NAMING = frozenset({"email", "customer_id"})
_NEVER = frozenset({PropertyType.BOOLEAN, PropertyType.NUMBER, PropertyType.DATE, PropertyType.DATETIME})
_MAX_CHOICES = 8
_HALF = 0.5


@dataclass(frozen=True)
class _Candidate:
    column: FoundColumn
    empty: int
    repeated: int
    is_named: bool

    @property
    def is_perfect(self) -> bool:
        return not self.empty and not self.repeated


def find_identifiers(
    columns: Sequence[FoundColumn],
    looks: Sequence[Look],
    mapping: Sequence[ProposedMapping],
    known: Mapping[str, Property],
    rows: int,
    asking: Asking,
) -> Found[tuple[int, ...]] | None:
    """Positions of columns; None where no column can name anyone."""
    targets = {entry.position: known.get(entry.property.value or "") for entry in mapping}
    ready = [place for place, target in targets.items() if target is not None and target.is_identifier]
    if ready:
        order = list(known)
        ready.sort(key=lambda place: order.index(targets[place].name))  # type: ignore[union-attr]  # they are there
        return Found(value=tuple(ready), why=("Their properties are identifiers of the account.",))
    left_out = {entry.position for entry in mapping if entry.property.value is None}
    candidates = [
        _candidate(column, look, rows)
        for column, look in zip(columns, looks, strict=True)
        # A property that is there already and is no identifier does not become one.
        if targets.get(column.position) is None and column.position not in left_out and _may_name(column)
    ]
    return _chosen(candidates, rows, asking)


def _may_name(column: FoundColumn) -> bool:
    return (
        column.filled > 0
        and column.type.value not in _NEVER
        and column.type.value.value not in ("list", "multi_choice")
    )


def _candidate(column: FoundColumn, look: Look, rows: int) -> _Candidate:
    kind = column.type.value
    keys = keys_of(look.values.texts, kind)
    distinct = keys.n_unique() if not is_too_long(keys).any() else 0
    return _Candidate(
        column=column,
        empty=rows - column.filled,
        repeated=column.filled - distinct,
        is_named=kind is PropertyType.EMAIL or concept_of(column.name or "") in _NAMING,
    )


def _chosen(candidates: Sequence[_Candidate], rows: int, asking: Asking) -> Found[tuple[int, ...]] | None:
    perfect = [each for each in candidates if each.is_perfect]
    named = [each for each in perfect if each.is_named]
    if len(named) == 1 and (rows > 1 or named[0].column.type.value is PropertyType.EMAIL):
        (only,) = named
        why = f"{only.column.shown} has a value in all {rows} rows, each another."
        return Found(value=(only.column.position,), why=(why,))
    ordered = named + [each for each in perfect if each not in named]
    rest = [each for each in candidates if each not in ordered and each.column.filled >= _HALF * rows]
    rest.sort(key=lambda each: (not each.is_named, each.empty + each.repeated))
    ordered += rest
    if not ordered:
        return None
    choices = [
        Choice(
            value=each.column.position,
            label=each.column.shown,
            consequence=_consequence(each),
            example=each.column.examples[0] if each.column.examples else "",
        )
        for each in ordered[:_MAX_CHOICES]
    ]
    found = asking.ask(QuestionCode.IDENTIFIER, "/identifiers", "Which column names a profile?", choices, is_free=False)
    assert isinstance(found.value, int)
    return Found(value=(found.value,), certainty=found.certainty, why=found.why)


def _consequence(candidate: _Candidate) -> str:
    if candidate.is_perfect:
        return "Every row has a value, and none comes twice."
    parts = []
    if candidate.empty:
        parts.append(f"{candidate.empty} rows have none and would be handed back")
    if candidate.repeated:
        parts.append(f"{candidate.repeated} rows are of a profile that another row names too")
    text = "; ".join(parts) + "."
    return text[:1].upper() + text[1:]
