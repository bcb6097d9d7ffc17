"""What a goal says of one file, once its columns are known: `map_all` written out as a mapping of each column.

Everything behind this knows mappings alone. Decided before any row is looked at, and deterministic: the same columns
and properties come to the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.built_in import RESERVED_NAMES
from shared.domain.failures import ColumnsCollide, InvalidGoal, TooManyNewProperties
from shared.domain.fields import MAX_COLUMN_NAME, MapAll, MappedField
from shared.domain.goal import AnyImport
from shared.domain.merge import allowed
from shared.domain.property import Property
from shared.domain.property_name import label_of, property_name
from shared.domain.trimmed import folded
from shared.processing.file_columns import FileColumn, FileColumns, listed, shortened
from shared.processing.mapping import MappingPlan, plan_of


@dataclass(frozen=True, slots=True)
class Settled:
    """A goal as it goes for one file."""

    goal: AnyImport
    """Without `map_all`: what that means for this file stands in its mapping."""
    plan: MappingPlan
    missing: tuple[Property, ...] = ()
    """Properties to make before, which the plan has already."""


def settled(goal: AnyImport, properties: Sequence[Property], columns: FileColumns) -> Settled:
    """What the goal means for a file of these columns, as the processors leave them.

    Raises what `plan_of` raises, ColumnsCollide where two columns would go into one property, InvalidGoal where one
    would go into a property that cannot take it, TooManyNewProperties.
    """
    plan = plan_of(goal, properties, columns)
    if goal.map_all is None:
        return Settled(goal, plan)
    known = {each.name: each for each in properties}
    ignored = {folded(name) for name in goal.ignore}
    wanted = [column for column in plan.left if folded(column.name or "") not in ignored]
    # What settings of the goal go into has no name that a mapping could use.
    mapped = [each for each in plan.columns if each.property.name in known]
    targets = _targets(wanted, goal.map_all, {each.property.name: each.shown for each in mapped})
    # Of a name that is Tidegate's own no property is made: profiles could not be found by what it means any more.
    targets = {name: each for name, each in targets.items() if name in known or name not in RESERVED_NAMES}
    missing = _missing(targets, known, goal) if goal.create_properties else ()
    known |= {each.name: each for each in missing}
    more = [_entry(column, known[name], goal, columns) for name, column in targets.items() if name in known]
    goal = goal.model_copy(update={"mapping": (*goal.mapping, *more), "map_all": None})
    return Settled(goal, plan_of(goal, [*properties, *missing], columns), missing)


def _missing(targets: Mapping[str, FileColumn], known: Mapping[str, Property], goal: AnyImport) -> tuple[Property, ...]:
    """The properties to make. Raises TooManyNewProperties."""
    assert goal.map_all is not None
    new = {name: column for name, column in targets.items() if name not in known}
    if len(new) > goal.map_all.max_new:
        names = listed(list(new))
        raise TooManyNewProperties(
            f"Found {len(new)} columns without a property, expected at most {goal.map_all.max_new}: {names}."
        )
    return tuple(
        Property(name=name, type=goal.map_all.type, label=label_of(column.name or "")) for name, column in new.items()
    )


def _targets(columns: Sequence[FileColumn], how: MapAll, taken: Mapping[str, str]) -> dict[str, FileColumn]:
    """The columns by their properties. Raises ColumnsCollide."""
    targets: dict[str, FileColumn] = {}
    for column in columns:
        name = property_name(column.name or "", how.prefix)
        if not name:
            continue
        other = taken.get(name) or (targets[name].shown if name in targets else None)
        if other is not None:
            raise ColumnsCollide(f"Found {listed([other, column.shown])}, which both go into the property {name!r}.")
        targets[name] = column
    return targets


def _entry(column: FileColumn, target: Property, goal: AnyImport, columns: FileColumns) -> MappedField:
    assert goal.map_all is not None
    rule = goal.rule_of(goal.map_all)
    if target.is_identifier or not allowed(rule, target.type, is_identifier=False):
        kind = "an identifier" if target.is_identifier else f"of type {target.type.value}"
        raise InvalidGoal(
            f"map_all would take {shortened(column.shown)} into {target.name!r} by the rule {rule.value!r}, but that "
            f"is {kind}. Name the column in identifiers, in mapping or in ignore."
        )
    is_alone = [folded(each.name) for each in columns.columns if each.name].count(folded(column.name or "")) == 1
    # A namesake is mapped by its position, or this one would have met it.
    is_nameable = is_alone and len(column.name or "") <= MAX_COLUMN_NAME
    by: dict[str, str | int | None] = {"field": column.name} if is_nameable else {"position": column.position}
    return MappedField.model_validate({**by, "property": target.name, "rule": goal.map_all.rule})
