"""What is exported, packed, locked and split, and imported again, is the same profiles: on the whole road."""

import csv
import io
import json
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.export_goal import ExportDialect, ExportGoal, ExportProfiles
from shared.domain.trimmed import TRIMMED
from shared.storage import domain_groups, profiles
from tests.awkward import DATES, MOMENTS, NUMBERS, TEXTS, dialects
from tests.corpora.folder import FOLDER, content
from tests.examples import examples
from tests.integration.road.locks import add_keys, ours
from tests.integration.road.place import Tenant, goal

COLUMNS = ("number", "name", "points", "balance", "member", "born", "seen", "tags")
UNSAID = "\x1f"
"""Stands between the items of lists, and in no value."""
MANY = {"listDelimiter": UNSAID}
FIELDS = [{"property": name, "field": name, "rule": "add" if name == "tags" else "set"} for name in COLUMNS[1:]]


def values() -> list[tuple[Any, ...]]:
    """A row a profile, in the columns' order: awkward values in each, and gaps; moments of whole milliseconds."""
    found = json.loads(content("blns", "blns.json")) if FOLDER.is_dir() else []
    texts = [text for text in dict.fromkeys([*TEXTS, *found]) if text.strip(TRIMMED) and UNSAID not in text]
    moments = [moment for moment in MOMENTS if moment.microsecond % 1_000 == 0]
    whole = (-(2**63), 2**63 - 1, 0, 7)
    return [
        (
            f"{place:05}",
            text,
            whole[place % 4],
            NUMBERS[place % len(NUMBERS)],
            None if place % 3 == 2 else place % 3 == 0,
            DATES[place % len(DATES)],
            moments[place % len(moments)],
            None if place % 5 == 0 else [text.strip(TRIMMED), f"and {place}"],
        )
        for place, text in enumerate(texts)
    ]


def as_file(rows: list[tuple[Any, ...]]) -> str:
    """As Python's csv writes them."""

    def written(value: Any) -> Any:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, Decimal):
            return f"{value:f}"
        if isinstance(value, list):
            return UNSAID.join(value)
        return value.isoformat() if hasattr(value, "isoformat") else value

    file = io.StringIO(newline="")
    csv.writer(file).writerows([COLUMNS, *([written(value) for value in row] for row in rows)])
    return file.getvalue()


async def known(tenant: Tenant, group: int) -> dict[str, tuple[Any, ...]]:
    """The profiles of a domain group, by their numbers."""
    async with tenant.base.database.account(tenant.account_id, read_only=True) as tx:
        found = await profiles.page(tx, tenant.properties, after_id=0, limit=10_000, domain_group=group)
    return {each.values["number"]: tuple(each.values[name] for name in COLUMNS) for each in found}


async def fill(tenant: Tenant) -> dict[str, tuple[Any, ...]]:
    """Import all of these values; the profiles that they come to, which hold just them."""
    rows = values()
    identified = {"identifiers": [{"field": "number", "property": "number"}], "mapping": FIELDS}
    source = {"pattern": {"wildcard": "first.csv"}, "readiness": {"strategy": "rename"}}
    await tenant.save(goal(source=source, dialect=MANY, **identified))
    run = await tenant.imported("first.csv", as_file(rows))
    assert (run["state"], run["receipt"]["created"]) == ("completed", len(rows)), run["receipt"]
    filled = await known(tenant, 1)
    assert filled == {row[0]: row for row in rows}
    return filled


async def there_and_back(tenant: Tenant, dialect: dict[str, Any], unpack: dict[str, Any], **how: Any) -> Any:
    """Export everybody so, and import the files into a domain group of their own; whom that has then.

    None where the export refuses to write in that dialect, and then nothing lies there.
    """
    name = f"way-{uuid4().hex[:8]}"
    plain = {"kind": "export_profiles", "name": name, "columns": [{"property": each} for each in COLUMNS]}
    target = {"directory": name, "file_name": "all.csv"}
    export = ExportProfiles.model_validate(plain | {"target": target, "dialect": dialect} | how)
    run = await tenant.exported(await tenant.save(export))
    if run["state"] == "failed":
        assert run["receipt"]["reason"]["code"] == "unwritable_value", run["receipt"]["reason"]
        assert not (tenant.directory / name).exists()
        return None
    files = len(run["receipt"]["files"])
    async with tenant.base.database.account(tenant.account_id) as tx:
        number = (await domain_groups.create(tx, name)).number
    fields = [{"property": "number", "field": "number"}, *FIELDS]
    if not export.dialect.has_header:
        fields = [{**each, "position": place} for place, each in enumerate(fields)]
        fields = [{key: value for key, value in each.items() if key != "field"} for each in fields]
    importing = goal(
        name=name,
        source={"directory": name, "pattern": {"wildcard": "*"}, "readiness": {"strategy": "rename"}},
        dialect=dialect | {"dateFormat": export.dialect.date_format},
        unpack=unpack,
        domain_group=name,
        identifiers=fields[:1],
        mapping=fields[1:],
        processors=_undoing() if export.defuse_formulas else [],
    )
    await tenant.save(importing)
    for path in sorted(each["name"] for each in run["receipt"]["files"]):
        back = await tenant.ended(lambda run, path=path: run["path"] == path)
        assert (back["state"], back["receipt"]["rejected"]) == ("completed", 0), back["receipt"]
    assert files == (1 if export.split is None else -(-len(values()) // (export.split.rows or 1)))
    return await known(tenant, number)


def _undoing() -> list[dict[str, Any]]:
    """The processor that the description of defuse_formulas names, for the columns of texts."""
    described = ExportGoal.model_fields["defuse_formulas"].description
    assert described is not None
    _, expression, between, replacement, _ = described[described.index("replace_matching") :].split("`")
    assert between == " with "
    how = {"kind": "replace_matching", "expression": expression, "with": replacement}
    return [how | {"field": name} for name in ("name", "tags")]


async def test_profiles_come_back_as_they_were(tenant: Tenant) -> None:
    filled = await fill(tenant)
    password = await add_keys(tenant.base, tenant.account_id)
    sealed = {"encrypt_to": [ours().facts.fingerprint], "sign_with": ours().facts.fingerprint}
    locked = {"compression": "zip", "password_id": password}
    required = {"decrypt": "required"}
    assert filled == await there_and_back(
        tenant, MANY, required | {"compression": "gzip"}, packing={"compression": "gzip"}, **sealed
    )
    dutch = {"delimiter": ";", "decimalChar": ",", "dateFormat": "D-M-YYYY", "timezone": "Europe/Amsterdam"}
    assert filled == await there_and_back(
        tenant, MANY | dutch | {"encoding": "utf-16"}, {"compression": "zip"}, packing=locked
    )
    bare = {"delimiter": "\t", "quoteChar": None, "escapeChar": "\\", "header": False, "encoding": "gb18030"}
    zoned = {"dateFormat": "YYYY-MM-DD", "timezone": "Australia/Lord_Howe"}
    assert filled == await there_and_back(
        tenant, MANY | bare | zoned, {"compression": "zstd"}, packing={"compression": "zstd"}, split={"rows": 300}
    )
    # What began with an apostrophe and a sign is the price of the defence.
    defused = await there_and_back(tenant, MANY | {"commentChar": "#"}, {}, defuse_formulas=True)
    expected = re.compile("'[=+@\t\r\n＝＋－＠-]")
    assert {row[1] for number, row in filled.items() if row != defused[number]} == {
        row[1] for row in filled.values() if expected.match(row[1])
    }


ways = st.tuples(dialects(), st.sampled_from(["none", "gzip", "zip", "zstd"]), st.booleans())


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@settings(max_examples=examples(2), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.lists(ways, min_size=5, max_size=5))
async def test_profiles_come_back_in_any_dialect(
    tenant: Tenant, chosen: list[tuple[dict[str, Any], str, bool]]
) -> None:
    filled = await known(tenant, 1)
    if not filled:
        filled = await fill(tenant)
        await add_keys(tenant.base, tenant.account_id)
    for asked, compression, is_sealed in chosen:
        dialect = asked | MANY | {"dateFormat": "epoch_milliseconds", "nullSequence": []}
        try:
            ExportDialect.model_validate(dialect)
        except ValidationError:
            continue
        unpack = {"compression": compression} | ({"decrypt": "required"} if is_sealed else {})
        how = {"packing": {"compression": compression}, "encrypt_to": [ours().facts.fingerprint] if is_sealed else []}
        assert await there_and_back(tenant, dialect, unpack, **how) in (filled, None)
