"""Values of a file: choices, words, what is bad of a row that is good, and what its columns are called."""

from decimal import Decimal
from typing import Any

import pytest

from shared.domain.property import Property, PropertyType
from shared.storage import properties, rejects
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

COLOURS = ("Red", "Green", "Royal blue")


@pytest.fixture
async def shop(tenant: Tenant) -> Tenant:
    """A tenant with choices, addresses and aliases besides."""
    await define(
        tenant,
        Property(name="colour", type=PropertyType.SINGLE_CHOICE, choices=COLOURS),
        Property(name="sizes", type=PropertyType.MULTI_CHOICE, choices=("S", "M", "L")),
        Property(name="phone", type=PropertyType.PHONE),
        Property(name="site", type=PropertyType.URL),
        Property(name="city", type=PropertyType.TEXT, label="City", aliases={"nl": ("Woonplaats",), "de": ("Ort",)}),
    )
    return tenant


async def define(tenant: Tenant, *new: Property) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        for each in new:
            await properties.define(tx, each)
    tenant.properties += new


async def values_rejected(tenant: Tenant, run: dict[str, Any]) -> list[tuple[int, str, str, str, tuple[str, ...]]]:
    async with tenant.base.database.account(tenant.account_id) as tx:
        found = await rejects.value_page(tx, run["run_id"], run["token"], after=(0, -1), limit=1000)
    return [(each.line_number, each.code.value, each.field, each.raw, each.identifiers) for each in found]


async def test_words_of_the_file_become_the_propertys_choices(shop: Tenant) -> None:
    colour = {"field": "c", "property": "colour", "choices": {"r": "Red", "bleu": "Royal blue"}}
    sizes = {"field": "s", "property": "sizes", "rule": "add", "choices": {"medium": "M"}}
    await shop.save(goal(mapping=[colour, sizes]))
    run = await shop.imported(
        "choices.csv",
        "email,c,s\n"
        "a@b.example,r,S|medium|M\n"
        "b@b.example, Green ,L\n"
        "c@b.example,green,S\n"
        "d@b.example,Red,S|XL\n"
        "e@b.example,,\n",
    )
    assert run["receipt"]["rejects_by_code"] == {"unknown_choice": 2}
    assert await shop.rejects(run) == [(4, "unknown_choice", "c"), (5, "unknown_choice", "s")]
    found = [await shop.profile(f"{name}@b.example") for name in "abe"]
    assert [(each["colour"], each["sizes"]) for each in found] == [
        ("Red", ["S", "M"]),
        ("Green", ["L"]),
        (None, None),
    ]


async def test_unknown_words_become_choices_where_the_goal_says_so(shop: Tenant) -> None:
    colour = {"field": "c", "property": "colour", "unknown_choice": "add"}
    sizes = {"field": "s", "property": "sizes", "rule": "add", "unknown_choice": "add"}
    await shop.save(goal(mapping=[colour, sizes]))
    run = await shop.imported("new.csv", 'email,c,s\na@b.example,Pink,"S|X""L|a\\b"\nb@b.example,Red,a\\b\n')
    assert (run["state"], [each["code"] for each in run["receipt"]["warnings"]]) == ("completed", ["choices_added"])
    async with shop.base.database.account(shop.account_id) as tx:
        assert (await properties.get(tx, "colour")).property.choices == (*COLOURS, "Pink")
        assert (await properties.get(tx, "sizes")).property.choices == ("S", "M", "L", 'X"L', "a\\b")
    assert (await shop.profile("a@b.example"))["sizes"] == ["S", 'X"L', "a\\b"]
    await shop.imported("known.csv", "email,c,s\nc@b.example,Pink,S\n")
    async with shop.base.database.account(shop.account_id) as tx:
        assert (await properties.get(tx, "colour")).version == 2


async def test_a_bad_value_leaves_the_rest_of_its_row_where_the_goal_says_so(shop: Tenant) -> None:
    mapping = [
        {"field": "p", "property": "points", "rule": "sum"},
        {"field": "ph", "property": "phone"},
        {"field": "u", "property": "site", "on_bad_value": "reject_row"},
    ]
    await shop.save(goal(mapping=mapping, on_bad_value="reject_value"))
    run = await shop.imported(
        "values.csv",
        "email,p,ph,u\n"
        "a@b.example,x,+31 (6) 12-34.56 78,https://shop.example/a?b=c\n"
        "b@b.example,7,0612345678,\n"
        "c@b.example,x,nobody,ftp://shop.example\n"
        "d@b.example,x,+1,\n",
    )
    receipt = run["receipt"]
    assert (run["state"], receipt["created"], receipt["rejects_by_code"]) == (
        "completed_with_rejects", 3, {"not_a_url": 1},
    )  # fmt: skip  # one comparison
    assert receipt["values_rejected_by_code"] == {"not_a_phone": 2, "not_an_integer": 2}
    assert await values_rejected(shop, run) == [
        (2, "not_an_integer", "p", "x", ("a@b.example",)),
        (3, "not_a_phone", "ph", "0612345678", ("b@b.example",)),
        (5, "not_an_integer", "p", "x", ("d@b.example",)),
        (5, "not_a_phone", "ph", "+1", ("d@b.example",)),
    ]
    a, b = await shop.profile("a@b.example"), await shop.profile("b@b.example")
    assert (a["points"], a["phone"], a["site"]) == (None, "+31612345678", "https://shop.example/a?b=c")
    assert (b["points"], b["phone"]) == (7, None)


async def test_a_rejected_value_clears_nothing(shop: Tenant) -> None:
    mapping = [{"field": "n", "property": "points", "rule": "set_or_clear", "on_bad_value": "reject_value"}]
    await shop.save(goal(mapping=mapping))
    await shop.imported("first.csv", "email,n\na@b.example,1\nb@b.example,2\nc@b.example,3\nd@b.example,4\n")
    run = await shop.imported(
        "second.csv",
        "email,n\na@b.example,x\nb@b.example,\nc@b.example,5\nc@b.example,x\nd@b.example,x\nd@b.example,\n"
        "e@b.example,x\n",
    )
    assert run["receipt"]["values_rejected_by_code"] == {"not_an_integer": 4}
    found = [(await shop.profile(f"{name}@b.example"))["points"] for name in "abcde"]
    assert found == [1, None, 5, None, None]
    assert run["receipt"]["unchanged"] == 1


async def test_a_row_that_is_rejected_late_has_no_rejected_values(shop: Tenant) -> None:
    mapping = [{"field": "p", "property": "points", "rule": "sum"}, {"field": "b", "property": "born"}]
    await shop.save(goal(mapping=mapping, on_bad_value="reject_value"))
    run = await shop.imported("late.csv", f"email,p,b\na@b.example,{2**63 - 1},x\na@b.example,1,\nb@b.example,1,x\n")
    assert run["receipt"]["rejects_by_code"] == {"out_of_range": 2}
    assert run["receipt"]["values_rejected_by_code"] == {"not_a_date": 1}
    assert [line for line, *_ in await values_rejected(shop, run)] == [4]


async def test_an_empty_field_is_refused_where_the_goal_does_not_allow_it(shop: Tenant) -> None:
    await shop.save(goal(mapping=[{"field": "name", "property": "name", "empty_allowed": False}]))
    run = await shop.imported("empty.csv", "email,name\na@b.example, \nb@b.example,Bob\n")
    assert await shop.rejects(run) == [(2, "empty_value", "name")]


async def test_a_column_that_is_not_required_may_be_missing_and_clears_nothing(shop: Tenant) -> None:
    mapping = [
        {"field": "name", "property": "name", "rule": "set_or_clear", "required": False},
        {"field": "points", "property": "points"},
    ]
    await shop.save(goal(mapping=mapping))
    await shop.imported("both.csv", "email,name,points\na@b.example,Ann,1\n")
    run = await shop.imported("one.csv", "email,points\na@b.example,2\n")
    assert run["state"] == "completed", run["receipt"]
    found = await shop.profile("a@b.example")
    assert (found["name"], found["points"]) == ("Ann", 2)


@pytest.mark.parametrize("header", ["town", "City", "Woonplaats", " Ort "])
async def test_a_column_goes_by_any_name_of_its_property(shop: Tenant, header: str) -> None:
    await shop.save(goal(mapping=[{"field": "town", "property": "city"}]))
    run = await shop.imported("town.csv", f"email,{header}\na@b.example,Delft\n")
    assert (await shop.profile("a@b.example"))["city"] == "Delft"
    assert [each["code"] for each in run["receipt"]["warnings"]] == ([] if header == "town" else ["columns_renamed"])


async def test_two_names_of_one_property_in_one_header_are_not_chosen_from(shop: Tenant) -> None:
    await shop.save(goal(mapping=[{"field": "town", "property": "city"}]))
    run = await shop.imported("both.csv", "email,Woonplaats,Ort\na@b.example,Delft,Bonn\n")
    assert (run["state"], run["receipt"]["reason"]["code"]) == ("failed", "header_changed")


async def test_a_column_has_a_notation_of_its_own(shop: Tenant) -> None:
    mapping = [
        {"field": "m", "property": "member", "trueValues": ["Ja", "да"], "falseValues": ["nee", "нет"]},
        {"field": "b", "property": "balance", "decimalChar": ",", "groupChar": "."},
        {"field": "d", "property": "born", "dateFormat": "DD-MM-YYYY"},
        {"field": "t", "property": "tags", "listDelimiter": ";"},
    ]
    await shop.save(goal(mapping=mapping))
    run = await shop.imported(
        "own.csv",
        'email,m,b,d,t\na@b.example,JA,"1.234,5",31-12-1999,a;b\nb@b.example,Нет,"1,5",,\nc@b.example,yes,,,\n',
    )
    assert await shop.rejects(run) == [(4, "not_a_boolean", "m")]
    a, b = await shop.profile("a@b.example"), await shop.profile("b@b.example")
    assert (a["member"], a["balance"], str(a["born"]), a["tags"]) == (True, Decimal("1234.5"), "1999-12-31", ["a", "b"])
    assert (b["member"], b["balance"]) == (False, Decimal("1.5"))


async def test_rejected_values_are_mended_and_dropped_again_and_nothing_else_happens_twice(shop: Tenant) -> None:
    mapping = [
        {"field": "p", "property": "points", "rule": "sum"},
        {"field": "b", "property": "born"},
        {"field": "name", "property": "name", "rule": "set_or_clear", "on_bad_value": "reject_row"},
    ]
    await shop.save(goal(mapping=mapping, on_bad_value="reject_value"))
    run = await shop.imported("first.csv", "email,p,b,name\na@b.example,7,x,Ann\nb@b.example,many,y,Bob\n")
    assert run["receipt"]["values_rejected_by_code"] == {"not_a_date": 2, "not_an_integer": 1}
    async with gateway_of(shop) as gateway:
        answer = await gateway.get(f"/v1/runs/{run['run_id']}/value-rejects.csv")
    header, first, second = answer.text.splitlines()
    assert header == "email,p,b,_row,_code,_field,_message,_values_of_run"
    assert (first.split(",")[:3], second.split(",")[:3]) == (["a@b.example", "", "x"], ["b@b.example", "many", "y"])
    mended = answer.text.replace(",x,", ",1999-12-31,").replace(",many,y,", ",5,2000-01-01,")
    again = await shop.imported("again.csv", mended)
    assert (again["state"], again["receipt"]["warnings"]) == ("completed", []), again["receipt"]
    found = [await shop.profile(f"{name}@b.example") for name in "ab"]
    assert [(each["points"], str(each["born"]), each["name"]) for each in found] == [
        (7, "1999-12-31", "Ann"),
        (5, "2000-01-01", "Bob"),
    ]
