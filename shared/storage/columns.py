"""An account's own columns as quoted SQL fragments, made from property and goal definitions.

This is the one module that makes them; merge.py, staging.py, properties.py, profiles.py and the export's select put
them into fixed frames. Aliases are part of the contract: `s` is a staged row, `e` one row for each profile of the
file, `p` the stored profile, `x` a planned write.

Staged values are null where the file has none; an empty list is none too. Nothing here runs a statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.domain.built_in import LANGUAGE, OWN, SYSTEM_ID, identifier_named
from shared.domain.consent import Resubscribe
from shared.domain.event import EventType
from shared.domain.failures import InvalidGoal
from shared.domain.goal import AnyImport, ImportEvents
from shared.domain.merge import MergeRule
from shared.domain.property import Property, PropertyType
from shared.storage.statements import statement

TYPES: dict[PropertyType, str] = {
    PropertyType.TEXT: "text",
    PropertyType.INTEGER: "bigint",
    PropertyType.NUMBER: "numeric(38,10)",
    PropertyType.BOOLEAN: "boolean",
    PropertyType.DATE: "date",
    PropertyType.DATETIME: "timestamptz",
    PropertyType.EMAIL: "text",
    PropertyType.PHONE: "text",
    PropertyType.URL: "text",
    PropertyType.SINGLE_CHOICE: "text",
    PropertyType.MULTI_CHOICE: "text[]",
    PropertyType.LIST: "text[]",
}
KEY_TYPE = 'text COLLATE "C"'
_RANGES = {
    "bigint": "-9223372036854775808 AND 9223372036854775807",
    "numeric(38,10)": "-9999999999999999999999999999.9999999999 AND 9999999999999999999999999999.9999999999",
}


def quoted(name: str) -> str:
    """A name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def value_of(found: Property, alias: str = "p") -> str:
    """What a stored record holds of a property, also of one that is built in."""
    return f"{alias}.id" if found == SYSTEM_ID else f"{alias}.{quoted(found.column)}"


def listed(names: Iterable[str], alias: str = "") -> str:
    """Names, quoted, with an alias before each where one is given."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + quoted(name) for name in names)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of staging and profile: what it holds and what the file's value does to the stored one."""

    name: str
    type: str
    rule: MergeRule
    shown: str
    """How rejects name the field of the file."""
    flag: str | None = None
    """The staged column that says that the value is absent, and changes nothing: not even where nothing clears."""
    only_on_create: bool = False
    """Whether profiles that are stored keep what they have, even where that is nothing."""

    @property
    def quoted(self) -> str:
        """The name as SQL wants it."""
        return quoted(self.name)

    @property
    def base_type(self) -> str:
        """The type without its collation, for casts."""
        return self.type.split(" COLLATE", 1)[0]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a goal's staged rows: keys in the goal's order of identifiers, then values."""

    keys: tuple[Column, ...]
    """What profiles are found by; none where every row makes one."""
    values: tuple[Column, ...]
    words: tuple[Column, ...] = ()
    """What the rows say about consent, and when it was said where the file states that."""
    resubscribe: Resubscribe = Resubscribe.NEVER
    claimed: tuple[Column, ...] = ()
    """Keys of identifiers that rows set and are not found by: no two profiles may come to have one."""
    finds_by_id: bool = False
    """Whether the only key is the profile's own number, which no row writes."""
    told: tuple[Column, ...] = ()
    """What names the event that a row tells of, where rows tell of events; of `values`."""

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of a staged row, in the order in which its CSV has them."""
        return ("record_number", "line_number", *(column.name for column in self.staged))

    @property
    def flags(self) -> tuple[Column, ...]:
        """The columns that say of others that they are absent."""
        return tuple(
            Column(each.flag, "boolean", MergeRule.SET, each.shown) for each in self.values if each.flag is not None
        )

    @property
    def naming(self) -> tuple[Column, ...]:
        """What names a profile in a row, found by or claimed."""
        return self.keys + self.claimed

    @property
    def kept(self) -> tuple[Column, ...]:
        """What is kept of rows that are rejected, where that is asked: what they name, and tell of."""
        return self.naming + self.told

    @property
    def staged(self) -> tuple[Column, ...]:
        """The columns of staged rows, behind their numbers."""
        return (self.keys if self.finds_by_id else ()) + self.carried

    @property
    def carried(self) -> tuple[Column, ...]:
        """The columns that staged rows hand on to folded ones."""
        return self.written + self.words + self.flags

    @property
    def written(self) -> tuple[Column, ...]:
        """The columns that reach the profile as they are; of `words` is known what they come to."""
        return (() if self.finds_by_id else self.keys) + self.claimed + self.values

    @property
    def sums(self) -> tuple[Column, ...]:
        """The columns whose range is known only once they are added up."""
        return tuple(column for column in self.values if column.rule is MergeRule.SUM)


def layout_of(goal: AnyImport, properties: Sequence[Property]) -> Layout:
    """The columns that a goal stages. Raises InvalidGoal where it names what the account does not have."""
    known = {each.name: each for each in properties}
    keys, claimed, values, finds_by_id = [], [], [], False
    for entry in goal.identifiers:
        found = _known(identifier_named(entry.property, known), entry.property)
        if not found.is_identifier:
            raise InvalidGoal(f"Found {entry.property!r} as an identifier, expected a property that is one.")
        if found == SYSTEM_ID:
            finds_by_id = True
            keys.append(Column(found.key_column, TYPES[found.type], MergeRule.SET, entry.shown))
            continue
        keys.append(Column(found.key_column, KEY_TYPE, MergeRule.SET, entry.shown))
        values.append(Column(found.column, TYPES[found.type], MergeRule.SET, entry.shown))
    if finds_by_id and len(keys) > 1:
        raise InvalidGoal(f"Found {SYSTEM_ID.name!r} among other identifiers, expected it alone.")
    if isinstance(goal, ImportEvents):
        told, said = _of_events(goal, properties)
        # The values of identifiers are found by, and not written.
        return Layout(tuple(keys), (*told, *said), finds_by_id=finds_by_id, told=told)
    for mapped in goal.mapping:
        found = _known(known.get(mapped.property), mapped.property)
        if found.is_identifier:
            claimed.append(Column(found.key_column, KEY_TYPE, MergeRule.SET, mapped.shown))
        flag = found.flag_column if goal.flags_absent(mapped) else None
        values.append(Column(found.column, TYPES[found.type], goal.rule_of(mapped), mapped.shown, flag))
    words = []
    for each in goal.own_fields:
        found = OWN[each.property]
        own = Column(found.column, TYPES[found.type], MergeRule.SET, each.shown)
        if found != LANGUAGE:
            words.append(own)
        elif goal.language is not None:
            values.append(replace(own, only_on_create=goal.language.only_on_create))
    return Layout(tuple(keys), tuple(values), tuple(words), goal.opt_in.resubscribe, tuple(claimed), finds_by_id)


def _of_events(goal: ImportEvents, properties: Sequence[Property]) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """What names an event, by its key, and what is said of it."""
    own = {each.name: each for each in properties if each.is_built_in}
    told, said = [], []
    for each in goal.own_fields:
        found = own[each.property]
        if found.is_identifier:
            told.append(Column(found.key_column, KEY_TYPE, MergeRule.SET, each.shown))
        else:
            said.append(Column(found.column, TYPES[found.type], MergeRule.SET, each.shown))
    return tuple(told), tuple(said)


def _known(found: Property | None, name: str) -> Property:
    if found is None:
        raise InvalidGoal(f"Found the property {name!r}, which the account does not have.")
    return found


def definitions(columns: Iterable[Column]) -> str:
    """The column definitions of a staging table."""
    return ", ".join(f"{column.quoted} {column.type}" for column in columns)


def merged(column: Column) -> str:
    """What the profile holds after the row; sums stay unbounded until they are judged."""
    e, p = f"e.{column.quoted}", f"p.{column.quoted}"
    if column.only_on_create:
        return f"CASE WHEN p.id IS NULL THEN {e} ELSE {p} END"
    match column.rule:
        case MergeRule.SET:
            return f"coalesce({e}, {p})"
        case MergeRule.SET_IF_EMPTY:
            return f"coalesce({p}, {e})"
        case MergeRule.SET_OR_CLEAR:
            return e if column.flag is None else f"CASE WHEN e.{quoted(column.flag)} THEN {p} ELSE {e} END"
        case MergeRule.SUM:
            return f"CASE WHEN {e} IS NULL THEN {p}::numeric ELSE coalesce({p}, 0)::numeric + {e} END"
        case MergeRule.ADD:
            # The cheap cases first: the sub-select costs more than all the rest of a row.
            return (
                f"CASE WHEN coalesce(cardinality({e}), 0) = 0 THEN {p} "
                f"WHEN {p} IS NULL THEN {_unique(e)} WHEN {e} <@ {p} THEN {p} "
                f"ELSE ({p}) || {_unique(e, without=p)} END"
            )


def changed(column: Column) -> str:
    """Whether the row changes what a stored profile holds."""
    e, p = f"e.{column.quoted}", f"p.{column.quoted}"
    if column.only_on_create:
        return "false"
    match column.rule:
        case MergeRule.SET:
            return f"({e} IS NOT NULL AND {e} IS DISTINCT FROM {p})"
        case MergeRule.SET_IF_EMPTY:
            return f"({p} IS NULL AND {e} IS NOT NULL)"
        case MergeRule.SET_OR_CLEAR:
            is_told = "" if column.flag is None else f"NOT e.{quoted(column.flag)} AND "
            return f"({is_told}{e} IS DISTINCT FROM {p})"
        case MergeRule.SUM:
            return f"({e} IS NOT NULL AND ({e} <> 0 OR {p} IS NULL))"
        case MergeRule.ADD:
            return f"(coalesce(cardinality({e}), 0) > 0 AND ({p} IS NULL OR NOT {e} <@ {p}))"


def folded(column: Column) -> str:
    """One value that does to a profile what the values of all its rows do in file order; aggregates rows `s`.

    Every rule composes: the last value for set, the first for set_if_empty, the last row's for set_or_clear, the
    exact total for sum; absent values are passed over. (Lists that grow are put in by `folded_list`.) The row's number
    leads an array of two whose greatest or smallest is kept, so that memory does not grow with the rows of one profile.
    """
    value = f"s.{column.quoted}"
    numbered = f"ARRAY[to_char(s.record_number, 'FM0000000000000000000'), {value}::text]"
    match MergeRule.SET_IF_EMPTY if column.only_on_create else column.rule:
        case MergeRule.SET:
            return f"((max({numbered}) FILTER (WHERE {value} IS NOT NULL))[2])::{column.base_type}"
        case MergeRule.SET_IF_EMPTY:
            return f"((min({numbered}) FILTER (WHERE {value} IS NOT NULL))[2])::{column.base_type}"
        case MergeRule.SET_OR_CLEAR:
            told = "" if column.flag is None else f" FILTER (WHERE NOT s.{quoted(column.flag)})"
            return f"((max({numbered}){told})[2])::{column.base_type}"
        case MergeRule.SUM:
            return f"sum({value})"
        case MergeRule.ADD:
            return f"NULL::{column.type}"


def folded_flag(column: Column) -> str:
    """Whether a value is absent in all rows of a profile."""
    return f"bool_and(s.{column.quoted})"


def folded_list(column: Column) -> str:
    """A select of the anchor and the entries that all rows of a profile add; {doubled}, {anchor} are left open."""
    return statement("columns.growing_list").replace("{column}", column.quoted)


def initial(column: Column) -> str:
    """What a new profile holds after the row."""
    e = f"e.{column.quoted}"
    match column.rule:
        case MergeRule.ADD:
            return f"CASE WHEN cardinality({e}) > 0 THEN {_unique(e)} END"
        case MergeRule.SUM:
            return f"{e}::{column.type}"
        case _:
            return e


def written(column: Column) -> str:
    """A planned value as the profile's column takes it."""
    cast = f"::{column.type}" if column.rule is MergeRule.SUM else ""
    return f"x.{column.quoted}{cast}"


def assigned(columns: Iterable[Column]) -> str:
    """The assignments of an update."""
    return ", ".join(f"{column.quoted} = {written(column)}" for column in columns)


def out_of_range(column: Column) -> str:
    """Whether a planned sum cannot be stored."""
    return f"(x.{column.quoted} NOT BETWEEN {_RANGES[column.type]})"


def _unique(value: str, without: str = "") -> str:
    if without:
        return statement("columns.unique_without").replace("{value}", value).replace("{without}", without)
    return statement("columns.unique").replace("{value}", value)


@dataclass(frozen=True, slots=True)
class Said:
    """A staged column `s` that says a property of an event, or of an item of one."""

    name: str
    """Of the property."""
    column: str
    type: PropertyType
    of_types: tuple[str, ...] = ()
    """The event types that have the property, where a row's may lack it."""


_JSON_TEXTS = {PropertyType.INTEGER: "{}::text", PropertyType.NUMBER: "trim_scale({})::text"}
_PAIRS_AT_ONCE = 40
"""A function of PostgreSQL takes a hundred arguments."""


def as_json(said: Sequence[Said]) -> str:
    """An object of what a row says, by property: exact numbers as texts, what it does not say left out."""
    pairs = [f"{_literal(each.name)}, {_json_value(each)}" for each in said]
    parts = [pairs[start : start + _PAIRS_AT_ONCE] for start in range(0, len(pairs), _PAIRS_AT_ONCE)]
    objects = [f"jsonb_build_object({', '.join(part)})" for part in parts] or ["'{}'::jsonb"]
    return f"jsonb_strip_nulls({' || '.join(objects)})"


def _json_value(said: Said) -> str:
    value = _JSON_TEXTS.get(said.type, "{}").format(f"s.{quoted(said.column)}")
    if said.type.is_many:
        # An empty list is none.
        value = f"nullif({value}, '{{}}')"
    if not said.of_types:
        return f"to_jsonb({value})"
    return f"CASE WHEN s.k_event_type IN ({', '.join(map(_literal, said.of_types))}) THEN to_jsonb({value}) END"


def message_kind(types: Mapping[str, EventType]) -> str:
    """The kind of message that a row's event refers to."""
    kinds = [f"WHEN {_literal(name)} THEN {_literal(each.message)}" for name, each in types.items() if each.message]
    return f"CASE s.k_event_type {' '.join(kinds)} END" if kinds else "NULL::text"


def item_slots(items: Sequence[tuple[str, str]], most: int) -> dict[str, str]:
    """How the items of events are collected, counted and weighed: pairs of a staged column and its kind."""
    names = [quoted(name) for name, _ in items]
    collected = [
        f"jsonb_agg(t.{name} ORDER BY t.record_number) FILTER (WHERE t.{name} <> '{{}}') AS {name}" for name in names
    ]
    objects = ", ".join(f"{_literal(kind)}, i.{quoted(name)}" for name, kind in items)
    told = " + ".join(f"(s.{name} <> '{{}}')::integer" for name in names) or "0"
    return {
        "with_items": statement("merge_events.with_items").replace("{collected}", ", ".join(collected))
        if names
        else "",
        "all_items": f"jsonb_strip_nulls(jsonb_build_object({objects}))" if names else "'{}'::jsonb",
        "bytes": f"sum({' + '.join(f'octet_length(s.{name}::text)' for name in names)})" if names else "0",
        "too_many": " OR ".join(f"count(*) FILTER (WHERE s.{name} <> '{{}}') > {most}" for name in names) or "false",
        "items_told": f"coalesce(sum({told}), 0)::bigint",
    }


def _literal(text: str) -> str:
    """A text as SQL wants it."""
    return "'" + text.replace("'", "''") + "'"
