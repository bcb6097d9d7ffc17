"""Consent on the whole road: who opts in and out, what is withheld, and the language to write to people in."""

from datetime import UTC, datetime
from typing import Any

from shared.storage import profiles
from tests.integration.road.place import Tenant, goal
from tests.unit.formats.workbooks import n, t, workbook

SINCE = {"field": "since", "dateFormat": "DD.MM.YYYY HH:mm", "timezone": "Europe/Amsterdam"}
FROM_FILE = {"declaration": "from_file", "field": "ok", "trueValues": ["ja"], "falseValues": ["nee"]}


async def people(tenant: Tenant) -> dict[str, profiles.Profile]:
    """All profiles, by what stands before the at sign."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        found = await profiles.page(tx, tenant.properties, after_id=0, limit=100)
    return {each.values["email"].split("@")[0]: each for each in found}


def said(profile: profiles.Profile) -> tuple[Any, ...]:
    return profile.opt_in, profile.suppression, profile.consent_source


async def suppress(tenant: Tenant, name: str, reason: str) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        await tx.connection.execute(
            f"UPDATE {tx.schema}.profiles SET suppression = $2, suppressed_at = now() WHERE k_email = $1",
            f"{name}@b.example",
            reason,
        )


async def test_a_goal_declares_consent_for_all_whom_its_files_name(tenant: Tenant) -> None:
    await tenant.save(goal(source=_only("plain_*")))
    await tenant.save(goal(name="In", source=_only("in_*"), opt_in={"declaration": "everyone", "source": "Web shop"}))
    await tenant.save(goal(name="Gone", source=_only("out_*"), opt_in={"declaration": "unsubscribe_everyone"}))
    header = "email,name\n"
    await tenant.imported("plain_1.csv", f"{header}ann@b.example,Ann\n")
    assert said((await people(tenant))["ann"]) == (None, None, None)
    await tenant.imported("in_1.csv", f"{header}ann@b.example,Ann\nbob@b.example,Bob\ncid@b.example,Cid\n")
    assert said((await people(tenant))["ann"]) == (True, None, "Web shop")
    await suppress(tenant, "bob", "complained")
    run = await tenant.imported("out_1.csv", f"{header}ann@b.example,Ann\ndee@b.example,Dee\n,Nobody\n")
    assert (run["receipt"]["updated"], run["receipt"]["created"]) == (1, 1)
    found = await people(tenant)
    assert said(found["ann"]) == said(found["dee"]) == (False, "unsubscribed", "Gone")
    run = await tenant.imported("in_2.csv", header + "".join(f"{name}@b.example,X\n" for name in ("ann", "bob", "cid")))
    assert run["receipt"]["updated"] == 3, "names are imported whatever is said about consent"
    assert run["receipt"]["opt_ins_withheld"] == {"complained": 1, "unsubscribed": 1}
    found = await people(tenant)
    assert [found[name].opt_in for name in ("ann", "bob", "cid")] == [False, True, True]


async def test_a_column_says_who_opts_in_and_when(tenant: Tenant) -> None:
    newer = {**FROM_FILE, "resubscribe": "if_newer", "time": SINCE}
    await tenant.save(goal(opt_in=newer))
    run = await tenant.imported(
        "a.csv",
        "email,name,ok,since\n"
        "ann@b.example,Ann,ja,01.02.2024 12:00\n"
        "bob@b.example,Bob,nee,01.02.2024 12:00\n"
        "cid@b.example,Cid,,01.02.2024 12:00\n"
        "dee@b.example,Dee,yes,01.02.2024 12:00\n"
        "eve@b.example,Eve,ja,2024-02-01\n",
    )
    assert await tenant.rejects(run) == [(5, "not_a_boolean", "ok"), (6, "not_a_datetime", "since")]
    found = await people(tenant)
    assert [said(found[name])[:2] for name in ("ann", "bob", "cid")] == [
        (True, None),
        (False, "unsubscribed"),
        (None, None),
    ]
    noon = datetime(2024, 2, 1, 11, tzinfo=UTC)
    assert (found["ann"].consent_at, found["bob"].suppressed_at, found["cid"].consent_at) == (noon, noon, None)
    older = await tenant.imported("b.csv", "email,name,ok,since\nbob@b.example,Bob,ja,01.02.2024 12:00\n")
    assert older["receipt"]["opt_ins_withheld"] == {"unsubscribed": 1}
    await tenant.imported("c.csv", "email,name,ok,since\nbob@b.example,Bob,ja,01.02.2024 12:01\n")
    assert said((await people(tenant))["bob"])[:2] == (True, None)


async def test_an_opt_out_counts_even_of_a_row_that_is_rejected(tenant: Tenant) -> None:
    identifiers = [{"field": "email", "property": "email"}, {"field": "number", "property": "number"}]
    mapping = [{"field": "points", "property": "points", "rule": "sum"}]
    opt_in = {"declaration": "from_file", "field": "ok"}
    processors = [{"kind": "reformat_number", "field": "balance"}]
    await tenant.save(goal(identifiers=identifiers, mapping=mapping, opt_in=opt_in, processors=processors))
    header, names = "email,number,points,ok,balance\n", "abcdefg"
    known = "".join(f"{name}@b.example,{name},1,yes,1\n" for name in names)
    await tenant.imported("known.csv", header + known)
    run = await tenant.imported(
        "rejects.csv",
        header
        + "a@b.example,a,many,no,1\n"  # typing
        + "b@b.example,b,1,no,much\n"  # a processor
        + f"c@b.example,c,{2**63 - 1},no,1\n"  # the merge: a sum that is too large
        + "d@b.example,e,1,no,1\n"  # the merge: two people, and it cannot be said which of them
        + "f@b.example,f,many,yes,1\n"
        + "g@b.example,g,1,yes,1\n"
        + "g@b.example,g,many,no,1\n"
        + "z@b.example,z,many,no,1\n",
    )
    found = await people(tenant)
    assert {name for name in names if found[name].suppression == "unsubscribed"} == set("abcdeg")
    assert "z" not in found
    counts = run["receipt"]
    assert (counts["rejected"], counts["updated"], counts["opt_outs_of_rejects"]) == (7, 1, 6)
    assert counts["profiles_affected"] == 6


async def test_an_opt_out_counts_of_a_row_that_could_be_read_only_in_part(tenant: Tenant) -> None:
    goals: dict[str, Any] = {
        "identifiers": [{"field": "email", "property": "email"}, {"field": "number", "property": "number"}],
        "mapping": [{"field": "points", "property": "points"}],
        "opt_in": {"declaration": "from_file", "field": "ok"},
        "processors": [
            {"kind": "keep_rows", "where": {"field": "ok", "in": ["yes"]}},
            {"kind": "trim", "fields": ["email"]},
            {"kind": "extract", "field": "number", "expression": "[a-z]$"},
        ],
    }
    await tenant.save(goal(**{**goals, "processors": [], "source": _only("known")}))
    for kind in ("csv", "xlsx", "jsonl"):
        source = {"pattern": {"wildcard": f"bad.{kind}"}, "readiness": {"strategy": "rename"}}
        await tenant.save(goal(name=kind, source=source, format=kind, **goals))
    names, header = "abcdefghijklmn", "email,number,points,ok\n"
    await tenant.imported("known.csv", header + "".join(f"{each}@b.example,{each},1,yes\n" for each in names))

    error, unknown = '<c t="e"><v>#N/A</v></c>', "<c><f>A1</f></c>"
    bad = [
        [t(" a@b.example"), t("no a"), error, t("no")],
        [t("b@b.example"), t("no b"), unknown, t("no")],
        [t("c@b.example"), t("no c"), n("1"), t("no"), t("more")],
        [error, t("no d"), n("1"), t("no")],
        [t("e@b.example"), t("no e"), n("1"), error],
        [t("f@b.example"), t("no f"), error, t("yes")],
        [error, error, n("1"), t("no")],
    ]
    run = await tenant.imported("bad.xlsx", workbook([t(each) for each in header.strip().split(",")], *bad))
    assert run["receipt"]["rejects_by_code"] == {"cell_error": 5, "cell_without_value": 1, "too_many_fields": 1}
    assert run["receipt"]["opt_outs_of_rejects"] == 4

    lines = [
        '{"email": "g@b.example", "number": "no g", "points": [[1]], "ok": false}',
        '{"email": "h@b.example", "number": "no h", "points": 1, "ok": false, "points": 2}',
        '{"email": "i@b.example", "number": "no i", "points": NaN, "ok": "no"}',
        '{"email": "j@b.example", "number": "no j", "points": 1, "ok": false, "ok": true}',
        '{"email": "k@b.example", "number": "no k", "points": 1, "ok": false',
    ]
    run = await tenant.imported("bad.jsonl", "\n".join(lines))
    assert run["receipt"]["rejects_by_code"] == {"bad_json": 2, "duplicate_key": 2, "nested_value": 1}
    assert run["receipt"]["opt_outs_of_rejects"] == 3

    run = await tenant.imported("bad.csv", f"{header}l@b.example,l,\0,no\nm@b.example,no m,no\nn@b.example,n,1,yes\n")
    assert run["receipt"]["rejects_by_code"] == {"nul_byte": 1, "too_few_fields": 1}
    found = await people(tenant)
    assert "".join(each for each in names if found[each].suppression == "unsubscribed") == "abcdghil"


async def test_the_contact_language_comes_from_a_column_or_is_one_for_all(tenant: Tenant) -> None:
    column = {"field": "lang", "only_on_create": True, "on_bad_value": "reject_value"}
    level = {"field": "level", "property": "permission_level", "choices": {"all": "2"}}
    await tenant.save(goal(source=_only("a_*"), mapping=[level], language=column))
    await tenant.save(goal(name="Dutch", source=_only("nl_*"), mapping=[], language={"fixed": "NL"}))
    run = await tenant.imported(
        "a_1.csv",
        "email,level,lang\nann@b.example,all,PT-br\nbob@b.example,1,English\ncid@b.example,0,zh-hant-tw\n",
    )
    assert run["receipt"]["values_rejected_by_code"] == {"not_a_language": 1}
    found = await people(tenant)
    assert {name: (each.language, each.permission_level) for name, each in found.items()} == {
        "ann": ("pt-BR", "2"),
        "bob": (None, "1"),
        "cid": ("zh-Hant-TW", "0"),
    }
    run = await tenant.imported(
        "a_2.csv", "email,level,lang\nann@b.example,2,de\nbob@b.example,2,de\ndee@b.example,,fr\n"
    )
    assert (run["receipt"]["unchanged"], run["receipt"]["updated"], run["receipt"]["created"]) == (1, 1, 1)
    found = await people(tenant)
    assert [found[name].language for name in ("ann", "bob", "dee")] == ["pt-BR", None, "fr"]
    await tenant.imported("nl_1.csv", "email\nbob@b.example\ncid@b.example\n")
    found = await people(tenant)
    assert [found[name].language for name in ("ann", "bob", "cid")] == ["pt-BR", "nl", "nl"]


def _only(pattern: str) -> dict[str, Any]:
    return {"pattern": {"wildcard": f"{pattern}.csv"}, "readiness": {"strategy": "rename"}}
