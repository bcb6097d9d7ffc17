"""Find the profile of each staged row by its identifiers, in the goal's order, rows in the order of the file.

The first identifier that finds a profile decides. The row is a conflict when another of its identifiers is found on
a different profile, or when an identifier before the deciding one found nothing while the profile already has
another value there. What else is not known anywhere becomes the profile's. Where nothing is found the row makes a
new profile, which owns all the row's values for the rows that follow. A value that a profile gives up in this run
stays its own until the commit, so that it finds that profile and nobody else takes it.

A row may also claim the value of an identifier that it is not found by. It finds nobody by it; but where the value is
another's, in the database or by a row before, the row is a conflict: the first one has it. A goal without identifiers
finds nobody at all, and each row makes a profile. Where the profile's own number (`system_id`) is the identifier, no
row makes any: one whose number is nobody's is rejected.

Rows that share nothing with another row are resolved as a set; only the others one by one, by the database, in
bounded memory. A row that is a conflict changes nothing for the rows after it. Writes working tables only.
"""

from collections.abc import Iterable

from shared.domain.merge import Mode
from shared.domain.reject import RejectCode
from shared.storage.errors import TransactionConflict
from shared.storage.merge_work import Work, any_of
from shared.storage.statements import statement


async def resolve(work: Work) -> None:
    """Fill {resolved} with each row's target, negative for a new profile, or the identifier that is in conflict."""
    slots = _slots(work)
    await work.run("resolve.drop", **slots)
    if not work.layout.naming:
        await work.run("resolve.make_each", **slots)
        return
    await work.run("resolve.find", **slots)
    tangled = await work.run("resolve.tangle", **slots)
    await work.run("resolve.resolve_single", **slots)
    if tangled:
        # Of the only identifier none stands before, of which a profile might hold another value.
        hold = ("hold_found",) if len(work.layout.keys) > 1 else ()
        for step in ("own", "own_found", "hold", *hold, "resolve_line"):
            await work.run(f"resolve.{step}", **slots)
    if work.layout.finds_by_id:
        await work.run("resolve.make_none", **slots)
    await work.run("resolve.analyze", **slots)


async def find_each(work: Work) -> None:
    """As `resolve`, for rows that make nobody and claim nothing: each is found for itself, whatever its neighbours."""
    slots = _slots(work) | {"sharing": statement("resolve.sharing_nothing")}
    for step in ("drop", "find", "tangle", "resolve_single", *(("make_none",) if work.layout.finds_by_id else ())):
        await work.run(f"resolve.{step}", **slots)
    await work.run("resolve.analyze", **slots)


async def reject_conflicts(work: Work) -> None:
    """Keep the rows that are conflicts with the rows that the merge rejects."""
    shown = [column.shown for column in work.layout.naming]
    await work.reject("resolve.reject_conflicts", RejectCode.IDENTIFIER_CONFLICT, shown)
    if work.layout.finds_by_id:
        await work.reject("resolve.reject_unknown", RejectCode.UNKNOWN_SYSTEM_ID, shown[0])


async def snapshot(work: Work) -> str:
    """What is seen from here on, to be given to `check`."""
    return str((await work.fetch("resolve.snapshot"))[0]["snapshot"])


async def check(work: Work, before: str) -> None:
    """Raise TransactionConflict where a profile that was found has been changed since."""
    overtaken = (await work.fetch("resolve.overtaken", before, **_slots(work)))[0]["count"]
    if overtaken:
        raise TransactionConflict(f"{overtaken} profiles were changed by another transaction meanwhile")


async def clear(work: Work) -> None:
    """Drop the working tables."""
    await work.run("resolve.drop", **_slots(work))


def _slots(work: Work) -> dict[str, str]:
    layout = work.layout
    keys = [column.quoted for column in work.layout.naming]
    finding = len(layout.keys)
    join = " LEFT JOIN {{schema}}.profiles p{0} ON p{0}.domain_group = {{domain_group}} AND p{0}.{1} = s.{2}"
    stored = ["id", *keys[1:]] if layout.finds_by_id else keys
    texts = [f"s.{key}" for key in keys]
    if layout.finds_by_id:
        texts[0] = f'{texts[0]}::text COLLATE "C" AS {keys[0]}'
    found = [f"m.found_{n}" for n in range(len(keys))]
    whose = f"coalesce({', '.join(found[:finding])})" if finding else "NULL::bigint"
    sharing = [statement("resolve.sharing_key").replace("{key}", key) for key in keys]
    return {
        "sharing": " UNION ALL ".join([*sharing, statement("resolve.sharing_profile")]),
        "joins": "".join(join.format(n, *each) for n, each in enumerate(zip(stored, keys, strict=True))),
        "keys": ", ".join(texts),
        "found_ids": ", ".join(f"p{n}.id AS found_{n}" for n in range(len(keys))),
        "held_conflict": _held_conflict(keys[:finding]),
        "m_keys": ", ".join(f"m.{key}" for key in keys),
        "m_ids": ", ".join(f"({each})" for each in found),
        "whose": whose,
        "disagreeing": _first_of((f"{each} <> {whose}", n) for n, each in enumerate(found[:finding])),
        "taken": _first_of(
            (f"{_WRITES[work.mode].format(whose)} AND {each} IS DISTINCT FROM {whose} AND {each} IS NOT NULL", n)
            for n, each in enumerate(found[finding:], start=finding)
        ),
        "owning": ", ".join(f"({n + 1}, m.{key}, m.found_{n})" for n, key in enumerate(keys)),
        "holding": ", ".join(f"({n + 1}, p.{key})" for n, key in enumerate(keys[:finding])),
        "was_found": any_of(f"EXISTS (SELECT FROM {{found}} m WHERE {each} = p.id)" for each in found),
        "identifiers": str(finding),
        "columns": str(len(keys)),
        "is_update_only": str(work.mode is Mode.UPDATE_ONLY).lower(),
        "is_create_only": str(work.mode is Mode.CREATE_ONLY).lower(),
        "found": work.staged.table("_m"),
        "tangled": work.staged.table("_t"),
        "owned": work.staged.table("_o"),
        "held": work.staged.table("_h"),
    }


_WRITES = {
    Mode.UPSERT: "true",
    Mode.ALWAYS_CREATE: "true",
    Mode.CREATE_ONLY: "{} IS NULL",
    Mode.UPDATE_ONLY: "{} IS NOT NULL",
}
"""Whether a row that found a profile, or none, is written at all: one that is skipped claims nothing."""


def _first_of(conditions: Iterable[tuple[str, int]]) -> str:
    """The number of the first condition that holds."""
    cases = " ".join(f"WHEN {condition} THEN {number}" for condition, number in conditions)
    return f"CASE {cases} END" if cases else "NULL::integer"


def _held_conflict(keys: list[str]) -> str:
    """The first identifier before the deciding one for which the profile that was found has another value."""
    if len(keys) < 2:
        return "NULL::integer"
    cases = []
    for n in range(len(keys)):
        held = " ".join(f"WHEN s.{keys[h]} IS NOT NULL AND p{n}.{keys[h]} IS NOT NULL THEN {h}" for h in range(n))
        cases.append(f"WHEN p{n}.id IS NOT NULL THEN {f'CASE {held} END' if held else 'NULL::integer'}")
    return f"CASE {' '.join(cases)} END"
