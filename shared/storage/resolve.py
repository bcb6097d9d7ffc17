"""Find the profile of each staged row by several identifiers, in the goal's order, rows in the order of the file.

The first identifier that finds a profile decides. The row is a conflict when another of its identifiers is found on
a different profile, or when an identifier before the deciding one found nothing while the profile already has
another value there. What else is not known anywhere becomes the profile's. Where nothing is found the row makes a
new profile, which owns all the row's values for the rows that follow. A value that a profile gives up in this run
stays its own until the commit, so that it finds that profile and nobody else takes it.

Rows that share nothing with another row are resolved as a set; only the others one by one, by the database, in
bounded memory. A row that is a conflict changes nothing for the rows after it. Writes working tables only.
"""

from shared.domain.merge import Mode
from shared.domain.reject import RejectCode
from shared.storage import columns
from shared.storage.errors import TransactionConflict
from shared.storage.merge_work import Work, any_of
from shared.storage.statements import statement


async def resolve(work: Work) -> None:
    """Fill {resolved} with each row's target, negative for a new profile, or the identifier that is in conflict."""
    slots = _slots(work)
    await work.run("resolve.drop", **slots)
    await work.run("resolve.find", **slots)
    tangled = await work.run("resolve.tangle", **slots)
    await work.run("resolve.resolve_single", **slots)
    if tangled:
        for step in ("own", "own_found", "hold", "hold_found", "resolve_line"):
            await work.run(f"resolve.{step}", **slots)
    await work.run("resolve.analyze", **slots)


async def reject_conflicts(work: Work) -> None:
    """Keep the rows that are conflicts with the rows that the merge rejects."""
    shown = [key.shown for key in work.layout.keys]
    await work.reject("resolve.reject_conflicts", RejectCode.IDENTIFIER_CONFLICT, shown)


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
    keys = [key.quoted for key in work.layout.keys]
    numbers = range(len(keys))
    join = " LEFT JOIN {{schema}}.profiles p{0} ON p{0}.domain_group = {{domain_group}} AND p{0}.{1} = s.{1}"
    found = [f"m.found_{n}" for n in numbers]
    sharing = [statement("resolve.sharing_key").replace("{key}", key) for key in keys]
    return {
        "sharing": " UNION ALL ".join([*sharing, statement("resolve.sharing_profile")]),
        "joins": "".join(join.format(n, key) for n, key in enumerate(keys)),
        "keys": ", ".join(f"s.{key}" for key in keys),
        "found_ids": ", ".join(f"p{n}.id AS found_{n}" for n in numbers),
        "held_conflict": _held_conflict(keys),
        "m_keys": columns.listed((key.name for key in work.layout.keys), "m"),
        "m_ids": ", ".join(f"({each})" for each in found),
        "m_found": ", ".join(found),
        "disagreeing": " ".join(
            f"WHEN {each} <> coalesce({', '.join(found)}) THEN {n}" for n, each in enumerate(found)
        ),
        "owning": ", ".join(f"({n + 1}, m.{key}, m.found_{n})" for n, key in enumerate(keys)),
        "holding": ", ".join(f"({n + 1}, p.{key})" for n, key in enumerate(keys)),
        "was_found": any_of(f"EXISTS (SELECT FROM {{found}} m WHERE {each} = p.id)" for each in found),
        "identifiers": str(len(keys)),
        "is_update_only": str(work.mode is Mode.UPDATE_ONLY).lower(),
        "is_create_only": str(work.mode is Mode.CREATE_ONLY).lower(),
        "found": work.staged.table("_m"),
        "tangled": work.staged.table("_t"),
        "owned": work.staged.table("_o"),
        "held": work.staged.table("_h"),
    }


def _held_conflict(keys: list[str]) -> str:
    """The first identifier before the deciding one for which the profile that was found has another value."""
    cases = []
    for n in range(len(keys)):
        held = " ".join(f"WHEN s.{keys[h]} IS NOT NULL AND p{n}.{keys[h]} IS NOT NULL THEN {h}" for h in range(n))
        cases.append(f"WHEN p{n}.id IS NOT NULL THEN {f'CASE {held} END' if held else 'NULL::integer'}")
    return f"CASE {' '.join(cases)} END"
