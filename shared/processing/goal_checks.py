"""Whether a goal's settings make sense: against themselves, the account's properties and the goals beside it.

Asked before a goal is saved; properties keep name and type for good, so what was sound stays sound. Pure; what a
goal's own model refuses (types, lengths, one column per property) is not repeated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from shared.domain.built_in import RESERVED_NAMES, SYSTEM_ID, identifier_named
from shared.domain.consent import Resubscribe
from shared.domain.dates import AUTO
from shared.domain.export_goal import ExportGoal
from shared.domain.fields import FieldChoice, IdentifierField, MappedField, WrittenField
from shared.domain.goal import AnyImport, Goal, ImportEvents, ImportGoal
from shared.domain.merge import MergeRule, Mode, allowed
from shared.domain.openpgp_key import KeyUse
from shared.domain.property import Property, PropertyType
from shared.domain.readiness import Readiness
from shared.domain.trimmed import folded
from shared.domain.zones import has_rules
from shared.processing.clash_checks import clash_flaws
from shared.processing.constants import misfit
from shared.processing.event_checks import columns_of, event_flaws
from shared.processing.export_checks import export_flaws
from shared.processing.goal_flaws import Flaw, Surroundings, date_flaws
from shared.processing.key_checks import key_flaws
from shared.processing.processor_checks import faults_of
from shared.processing.sibling_checks import sibling_flaws


def completed(goal: Goal, *, is_hosted: bool) -> Goal:
    """The goal with the defaults that depend on its place: a hosted folder knows when an upload is closed."""
    if not isinstance(goal, AnyImport) or not is_hosted or "readiness" in goal.source.model_fields_set:
        return goal
    source = goal.source.model_copy(update={"readiness": Readiness(strategy="closed")})
    return goal.model_copy(update={"source": source})


def flaws_of(goal: Goal, around: Surroundings) -> list[Flaw]:
    """Everything that is wrong with a goal, in the order of its fields; empty when it may be saved and run."""
    flaws = list(_common_flaws(goal, around))
    if isinstance(goal, ExportGoal):
        return [*flaws, *export_flaws(goal, around), *clash_flaws(goal, around)]
    if isinstance(goal, ImportEvents):
        return [*flaws, *_event_import_flaws(goal, around)]
    flaws += _import_flaws(goal, around)
    return flaws


def _common_flaws(goal: Goal, around: Surroundings) -> Iterator[Flaw]:
    if goal.domain_group not in around.domain_groups:
        known = ", ".join(sorted(around.domain_groups))
        yield Flaw("/domain_group", "unknown_domain_group", f"Found {goal.domain_group!r}, expected one of: {known}.")
    if goal.dialect.date_format != AUTO or isinstance(goal, ExportGoal):
        yield from date_flaws("/dialect/dateFormat", goal.dialect.date_format)
    yield from _zone_flaws(goal)


def _zone_flaws(goal: Goal) -> Iterator[Flaw]:
    named: list[tuple[str, str | None]] = [("/dialect", goal.dialect.timezone)]
    if isinstance(goal, AnyImport):
        named += [(f"/identifiers/{number}", entry.timezone) for number, entry in enumerate(goal.identifiers)]
        named += [(f"/mapping/{number}", entry.timezone) for number, entry in enumerate(goal.mapping)]
        named += [
            (f"/processors/{number}", getattr(processor, "timezone", None))
            for number, processor in enumerate(goal.processors)
        ]
    if isinstance(goal, ImportGoal):
        named += [("/opt_in/time", goal.opt_in.time.timezone)] if goal.opt_in.time is not None else []
    if isinstance(goal, ImportEvents):
        named += [("/event/occurred_at", goal.event.occurred_at.timezone)]
        named += [(pointer, entry.timezone) for pointer, entry, _ in columns_of(goal.event, {})]
    for pointer, zone in named:
        if zone is not None and not has_rules(zone):
            detail = f"Found {zone!r}, which some systems keep beside the IANA database; expected one of that."
            yield Flaw(f"{pointer}/timezone", "unknown_zone", detail)


def missing_properties(goal: Goal, known: Mapping[str, Property]) -> list[Property]:
    """The properties that saving the goal makes, in the order of its mapping."""
    if not isinstance(goal, ImportGoal) or not goal.create_properties:
        return []
    names = RESERVED_NAMES.union(known)
    return [entry.missing_property() for entry in goal.mapping if entry.property not in names]


def _import_flaws(goal: ImportGoal, around: Surroundings) -> list[Flaw]:
    made = {each.name: each for each in missing_properties(goal, around.properties)}
    if made:
        around = replace(around, properties={**around.properties, **made})
    flaws = [*_naming_flaws(goal, around), *_lenient_flaws(goal)]
    for number, identifier in enumerate(goal.identifiers):
        flaws += _identifier_flaws(f"/identifiers/{number}", identifier, around)
    for number, entry in enumerate(goal.mapping):
        flaws += _mapping_flaws(f"/mapping/{number}", entry, goal.rule_of(entry), around)
        flaws += _constant_flaws(f"/mapping/{number}", entry, goal, around)
    flaws += _processor_flaws(goal)
    flaws += _map_all_flaws(goal)
    flaws += _notation_flaws(goal)
    flaws += [
        Flaw(f"/lists/add_to/{number}", "unknown_list", f"The account has no list {one}; make it first.")
        for number, one in enumerate(goal.lists.add_to)
        if one not in around.lists
    ]
    flaws += _full_file_flaws(goal)
    flaws += _place_flaws(goal, around)
    flaws += _fixed_flaws(goal, around)
    flaws += _consent_flaws(goal)
    flaws += _return_flaws(goal, around)
    flaws += clash_flaws(goal, around)
    return flaws


def _event_import_flaws(goal: ImportEvents, around: Surroundings) -> list[Flaw]:
    flaws = []
    if not goal.identifiers:
        detail = "Found none, expected at least one: an event is about a profile that there is."
        flaws.append(Flaw("/identifiers", "no_identifiers", detail))
    flaws += _system_id_flaws(goal, around)
    for number, identifier in enumerate(goal.identifiers):
        flaws += _identifier_flaws(f"/identifiers/{number}", identifier, around)
    flaws += _processor_flaws(goal)
    flaws += event_flaws(goal.event, around)
    flaws += _notation_flaws(goal)
    if goal.format != "csv" and goal.event.occurred_at.date_format is not None:
        detail = f"Found a notation of its own for the time; a {goal.format} file has one, in the dialect."
        flaws.append(Flaw("/event/occurred_at", "one_notation", detail))
    for pointer, entry, said in columns_of(goal.event, around.event_types):
        if said:
            mapped = entry.mapped(entry.property)
            target = said[0].as_property()
            beside = replace(around, properties={target.name: target})
            flaws += _mapping_flaws(pointer, mapped, MergeRule.SET, beside)
            flaws += _constant_flaws(pointer, mapped, goal, beside)
    flaws += _place_flaws(goal, around)
    flaws += _return_flaws(goal, around)
    flaws += clash_flaws(goal, around)
    return flaws


def _processor_flaws(goal: AnyImport) -> list[Flaw]:
    return [
        Flaw(f"/processors{pointer}", "invalid_processor", sentence)
        for pointer, sentence in faults_of(goal.processors, goal.dialect)
    ]


def _consent_flaws(goal: ImportGoal) -> Iterator[Flaw]:
    time = goal.opt_in.time
    if goal.opt_in.resubscribe is Resubscribe.IF_NEWER and time is None:
        detail = "Found if_newer without a time, expected the column that says when consent was given."
        yield Flaw("/opt_in/time", "consent_time_needed", detail)
    if time is None or time.date_format is None:
        return
    if time.date_format != AUTO:
        yield from date_flaws("/opt_in/time/dateFormat", time.date_format)
    if goal.format != "csv":
        detail = f"Found a notation of its own for {time.shown!r}; a {goal.format} file has one, in the dialect."
        yield Flaw("/opt_in/time", "one_notation", detail)


def _naming_flaws(goal: ImportGoal, around: Surroundings) -> Iterator[Flaw]:
    """What is wrong with the identifiers together, and with the mode for them."""
    if goal.mode is Mode.ALWAYS_CREATE:
        yield from _creating_flaws(goal)
    elif not goal.identifiers:
        detail = f"Found none with the mode {goal.mode.value!r}, expected at least one; always_create goes without."
        yield Flaw("/identifiers", "no_identifiers", detail)
    yield from _system_id_flaws(goal, around)
    if _names_by_number(goal, around) and goal.mode is not Mode.UPDATE_ONLY:
        detail = f"Found {goal.mode.value!r}, expected 'update_only': a file cannot make up a {SYSTEM_ID.name}."
        yield Flaw("/mode", "system_id_only_updates", detail)


def _names_by_number(goal: AnyImport, around: Surroundings) -> bool:
    return any(identifier_named(each.property, around.properties) == SYSTEM_ID for each in goal.identifiers)


def _system_id_flaws(goal: AnyImport, around: Surroundings) -> Iterator[Flaw]:
    if _names_by_number(goal, around) and len(goal.identifiers) > 1:
        detail = f"Found {len(goal.identifiers)} identifiers, expected {SYSTEM_ID.name!r} alone; map the others."
        yield Flaw("/identifiers", "system_id_alone", detail)


def _creating_flaws(goal: ImportGoal) -> Iterator[Flaw]:
    if goal.identifiers:
        detail = "Found identifiers with the mode 'always_create', expected none: []. Map their columns instead."
        yield Flaw("/identifiers", "identifiers_unused", detail)


def _lenient_flaws(goal: ImportGoal) -> Iterator[Flaw]:
    """What a mode that touches no profile twice can do nothing with, once it is mended."""
    becomes = {Mode.ALWAYS_CREATE: "be a new row", Mode.CREATE_ONLY: "be skipped, as its profile exists"}.get(goal.mode)
    if becomes is None:
        return
    said = {"/on_bad_value": goal.on_bad_value, "/opt_in": goal.opt_in.on_bad_value}
    said |= {f"/mapping/{number}": entry.on_bad_value for number, entry in enumerate(goal.mapping)}
    said |= {} if goal.language is None else {"/language": goal.language.on_bad_value}
    for pointer, on_bad_value in said.items():
        if on_bad_value == "reject_value":
            detail = f"Found 'reject_value' with the mode {goal.mode.value!r}, expected 'reject_row': mended, it would "
            yield Flaw(pointer, "values_stay_lost", f"{detail}{becomes}.")


def _identifier_flaws(pointer: str, entry: IdentifierField, around: Surroundings) -> Iterator[Flaw]:
    known = identifier_named(entry.property, around.properties)
    if known is None:
        yield _unknown(pointer, entry)
    elif not known.is_identifier:
        detail = f"The property {entry.property!r} is no identifier; define one with identifier: true."
        yield Flaw(f"{pointer}/property", "not_an_identifier", detail)
    else:
        yield from _date_format_flaws(pointer, entry, known)


def _mapping_flaws(pointer: str, entry: MappedField, rule: MergeRule, around: Surroundings) -> Iterator[Flaw]:
    known = around.properties.get(entry.property)
    if known is None:
        yield _unknown(pointer, entry)
        return
    if not allowed(rule, known.type, is_identifier=known.is_identifier):
        choices = ", ".join(r for r in MergeRule if allowed(r, known.type, is_identifier=known.is_identifier))
        kind = "identifier" if known.is_identifier else known.type.value
        detail = f"Found {rule.value!r} on the {kind} {entry.property!r}, expected one of: {choices}."
        yield Flaw(f"{pointer}/rule", "rule_not_allowed", detail)
    if entry.type not in (None, known.type):
        detail = f"Found {entry.type.value!r}, and the property {entry.property!r} is of type {known.type.value}."
        yield Flaw(f"{pointer}/type", "other_type", detail)
    yield from _date_format_flaws(pointer, entry, known)
    yield from _choice_flaws(pointer, entry, known)


def _date_format_flaws(pointer: str, entry: WrittenField, known: Property) -> Iterator[Flaw]:
    if entry.date_format is None:
        return
    if entry.date_format != AUTO:
        yield from date_flaws(f"{pointer}/dateFormat", entry.date_format)
    if known.type not in (PropertyType.DATE, PropertyType.DATETIME):
        detail = f"The property {known.name!r} is of type {known.type.value}, which has no date format."
        yield Flaw(f"{pointer}/dateFormat", "invalid_date_pattern", detail)


def _constant_flaws(pointer: str, entry: MappedField, goal: AnyImport, around: Surroundings) -> Iterator[Flaw]:
    known = around.properties.get(entry.property)
    if entry.constant is None or known is None:
        return
    code = misfit(entry.constant, entry, known)
    if known.is_identifier:
        detail = f"Found a constant for the identifier {known.name!r}, whose values name one profile each."
        yield Flaw(f"{pointer}/constant", "invalid_constant", detail)
    elif code is not None:
        detail = f"Found {entry.constant!r} for {known.name!r}, expected a value of type {known.type.value}: {code}."
        yield Flaw(f"{pointer}/constant", "invalid_constant", detail)
    if goal.rule_of(entry) is MergeRule.SUM and any(map(goal.is_lenient, (*goal.mapping, *goal.own_fields))):
        # The row of a rejected value comes back when it is mended, and was added up before.
        detail = (
            "A constant is added up once more by rows whose rejected values come back; use on_bad_value reject_row."
        )
        yield Flaw(f"{pointer}/rule", "rule_not_allowed", detail)


def _map_all_flaws(goal: ImportGoal) -> Iterator[Flaw]:
    if goal.map_all is None or not goal.create_properties:
        return
    rule, kind = goal.rule_of(goal.map_all), goal.map_all.type
    if not allowed(rule, kind, is_identifier=False):
        detail = f"Found {rule.value!r} for properties to be made of type {kind.value}; say a type that it is for."
        yield Flaw("/map_all/rule", "rule_not_allowed", detail)


def _notation_flaws(goal: AnyImport) -> Iterator[Flaw]:
    """Cells of a sheet and values of JSON have no notation of their own: they come written in the file's dialect."""
    if goal.format == "csv":
        return
    entries: list[tuple[str, WrittenField]] = [(f"/identifiers/{n}", each) for n, each in enumerate(goal.identifiers)]
    entries += [(f"/mapping/{n}", each) for n, each in enumerate(goal.mapping)]
    if isinstance(goal, ImportEvents):
        entries += [(pointer, each) for pointer, each, _ in columns_of(goal.event, {})]
    for pointer, entry in entries:
        own = [
            name
            for name in ("date_format", "pivot_year", "decimal_char", "group_char", "list_delimiter")
            if getattr(entry, name) is not None
        ]
        if own:
            detail = f"Found a notation of its own for {entry.shown!r}; a {goal.format} file has one, in the dialect."
            yield Flaw(pointer, "one_notation", detail)


def _full_file_flaws(goal: ImportGoal) -> Iterator[Flaw]:
    sums = [each for each in (*goal.mapping, goal.map_all) if each and goal.rule_of(each) is MergeRule.SUM]
    if goal.full_file and sums:
        detail = (
            "Found the rule 'sum'; a full file says again what it said before. Use another rule, or full_file: false."
        )
        yield Flaw("/full_file", "sum_needs_delta", detail)
    then, named = goal.absent.then, len(goal.lists.add_to)
    if then == "keep":
        return
    if not goal.full_file:
        detail = f"Found {then!r} without full_file: true; in a file of what changed nearly everybody is absent."
        yield Flaw("/absent/then", "absent_needs_full_file", detail)
    if not goal.identifiers:
        detail = f"Found {then!r} without identifiers, expected at least one: nobody is in a file that names nobody."
        yield Flaw("/absent/then", "absent_needs_identifiers", detail)
    if named > 1 or (named == 0 and then == "remove_from_list"):
        expected = "one list" if then == "remove_from_list" else "one list, or none for all contacts"
        detail = f"Found {named} lists in add_to and {then!r} for who is absent, expected {expected}."
        yield Flaw("/lists/add_to", "absent_needs_list", detail)


def _choice_flaws(pointer: str, entry: MappedField, known: Property) -> Iterator[Flaw]:
    if not known.type.is_choice:
        if entry.choices or entry.unknown_choice != "reject":
            detail = f"The property {known.name!r} is of type {known.type.value}, which has no choices."
            yield Flaw(f"{pointer}/choices", "no_choices", detail)
        return
    if known.is_built_in and entry.unknown_choice == "add":
        detail = f"The choices of {known.name!r} are the same in every account; expected unknown_choice: reject."
        yield Flaw(f"{pointer}/unknown_choice", "choices_are_fixed", detail)
    own = {folded(choice) for choice in known.choices}
    for word, choice in entry.choices.items():
        if folded(choice) not in own and entry.unknown_choice != "add":
            detail = (
                f"Found {choice!r} for the word {word!r}, expected one of the {len(own)} choices of {known.name!r}."
            )
            yield Flaw(f"{pointer}/choices", "unknown_choice", detail)


def _unknown(pointer: str, entry: FieldChoice) -> Flaw:
    name = getattr(entry, "property", "")
    detail = f"The account has no property {name!r}; define it first."
    if name in RESERVED_NAMES:
        detail = (
            f"Found {name!r}, which Tidegate gives and nothing sets; it may be the identifier, or name another one."
        )
    return Flaw(f"{pointer}/property", "unknown_property", detail)


def _place_flaws(goal: AnyImport, around: Surroundings) -> Iterator[Flaw]:
    if "closed" in goal.source.readiness.strategies and not around.is_hosted:
        detail = "Only a hosted drop folder knows when an upload is closed; expected another strategy."
        yield Flaw("/source/readiness/strategy", "readiness_not_available", detail)
    yield from sibling_flaws(goal, around)


def _return_flaws(goal: AnyImport, around: Surroundings) -> Iterator[Flaw]:
    """What a goal puts back must not be taken for a file that has come, by whatever goal."""
    returned = goal.rejects
    if returned is not None and goal.unpack.decrypt == "required" and not returned.encrypt_to:
        detail = "Found none, expected the fingerprint of the sender's OpenPGP key: unpack.decrypt is 'required'."
        yield Flaw("/rejects/encrypt_to", "encrypt_to_missing", detail)
    for number, fingerprint in enumerate(() if returned is None else returned.encrypt_to):
        yield from key_flaws(f"/rejects/encrypt_to/{number}", fingerprint, KeyUse.ENCRYPT, around)
    if returned is not None and returned.return_to == goal.source.directory:
        detail = f"Found {returned.return_to!r}, which is source.directory; expected a directory of its own."
        yield Flaw("/rejects/return_to", "returns_watched", detail)
    if not goal.active:
        return
    for sibling in around.siblings:
        if not isinstance(sibling, AnyImport) or not sibling.active:
            continue
        if returned is not None and returned.return_to == sibling.source.directory:
            detail = f"The goal {sibling.name!r} watches {returned.return_to!r}; expected a directory of its own."
            yield Flaw("/rejects/return_to", "returns_watched", detail)
        if sibling.rejects is not None and sibling.rejects.return_to == goal.source.directory:
            detail = f"The goal {sibling.name!r} puts rejects into {goal.source.directory!r}; expected another one."
            yield Flaw("/source/directory", "returns_watched", detail)


def _fixed_flaws(goal: ImportGoal, around: Surroundings) -> Iterator[Flaw]:
    for name, value in around.fixed.items():
        if getattr(goal, name) != value:
            yield Flaw(
                f"/{name}",
                "manual_import",
                f"The goal is of imports that clients ask for, whose {name} stays as it is.",
            )
