"""Where values, rows, headers and files end, down the whole road: what still fits is kept exactly, and the next is
refused by its code."""

import gzip
from typing import Any

from shared.formats.limits import Limits
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

FIELD_BYTES = Limits().field_bytes


def mapped(*names: str, **changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"field": name, "property": name, **changes.get(name, {})} for name in names]


async def shown(tenant: Tenant) -> dict[str, dict[str, Any]]:
    """What the gateway shows of all profiles, by e-mail address; only what is there."""
    async with gateway_of(tenant) as gateway:
        page = await gateway.ask("GET", "/v1/profiles", 200, params={"limit": "1000"})
    found = [{name: value for name, value in each["properties"].items() if value is not None} for each in page["items"]]
    return {each.pop("email"): each for each in found}


async def test_a_field_may_have_a_mebibyte_and_not_a_byte_more(tenant: Tenant) -> None:
    await tenant.save(goal())
    fits, exceeds = "x" * FIELD_BYTES, "x" * (FIELD_BYTES + 1)
    run = await tenant.imported(
        "long.csv",
        "email,name\n"
        f"plain@example.com,{fits}\n"
        f'quoted@example.com,"{fits}"\n'
        f"a@example.com,{exceeds}\n"
        f'b@example.com,"{exceeds}"\n'
        f"last@example.com,{fits}",
    )
    # What is quoted and not closed within the limit counts as never closed: nobody reads on for gigabytes.
    assert await tenant.rejects(run) == [(4, "field_too_long", None), (5, "unclosed_quote", None)]
    assert await shown(tenant) == {f"{who}@example.com": {"name": fits} for who in ("plain", "quoted", "last")}
    many = ",".join([exceeds[: FIELD_BYTES // 2]] * (2 * Limits().record_bytes // FIELD_BYTES + 1))
    run = await tenant.imported("record.csv", f"email,name\n{many}\n")
    assert (run["state"], run["reason_code"]) == ("failed", "record_too_long")


async def test_a_file_may_have_ten_thousand_columns_and_not_one_more(tenant: Tenant) -> None:
    await tenant.save(goal())
    for count, state, code in ((10_000, "completed", None), (10_001, "failed", "too_many_columns")):
        header = ["email", "name", *(f"column {n}" for n in range(2, count))]
        row = [f"wide{count}@example.com", "Ann", *map(str, range(2, count))]
        run = await tenant.imported(f"{count}.csv", ",".join(header) + "\n" + ",".join(row) + "\n")
        assert (run["state"], run["reason_code"]) == (state, code)
    assert await shown(tenant) == {"wide10000@example.com": {"name": "Ann"}}


async def test_numbers_are_exact_to_their_last_digit(tenant: Tenant) -> None:
    rules = {"points": {"rule": "sum"}, "balance": {"rule": "sum"}}
    await tenant.save(goal(mapping=mapped("points", "balance", **rules), duplicate_content="import"))
    most, least = 2**63 - 1, -(2**63)
    kept = [
        (str(most), "9" * 28 + "." + "9" * 10),
        (str(least), "-" + "9" * 28 + "." + "9" * 10),
        (str(2**53 + 1), "0.1"),
        ("-0", "9007199254740993.0000000001"),
        ("+7", "12345678901234567890.1234567890"),
        ("000000000000000000000000000000000001", ".5"),
    ]
    refused = [
        (str(most + 1), "", "out_of_range"),
        (str(least - 1), "", "out_of_range"),
        ("1" * 400, "", "out_of_range"),
        ("1e3", "", "not_an_integer"),
        ("1.0", "", "not_an_integer"),
        ("", "1e3", "not_a_number"),
        ("", "NaN", "not_a_number"),
        ("", "Infinity", "not_a_number"),
        ("", "0.00000000001", "too_precise"),
        ("", "1" + "0" * 28, "out_of_range"),
        ("\uff11", "", "not_an_integer"),
    ]
    lines = [f"n{n}@example.com,{points},{balance}" for n, (points, balance) in enumerate(kept)]
    lines += [f"r{n}@example.com,{points},{balance}" for n, (points, balance, _) in enumerate(refused)]
    lines += ["tenth@example.com,,0.1"] * 10
    lines += [f"full@example.com,{most},1", "full@example.com,1,1"]
    run = await tenant.imported("numbers.csv", "\n".join(["email,points,balance", *lines]))
    codes = [code for _, code, _ in await tenant.rejects(run)]
    # The last two: their sum is beyond the range, so both rows are handed back.
    assert codes == [code for _, _, code in refused] + ["out_of_range"] * 2
    assert await shown(tenant) == {
        "n0@example.com": {"points": "9223372036854775807", "balance": "9" * 28 + "." + "9" * 10},
        "n1@example.com": {"points": "-9223372036854775808", "balance": "-" + "9" * 28 + "." + "9" * 10},
        "n2@example.com": {"points": "9007199254740993", "balance": "0.1"},
        "n3@example.com": {"points": "0", "balance": "9007199254740993.0000000001"},
        "n4@example.com": {"points": "7", "balance": "12345678901234567890.123456789"},
        "n5@example.com": {"points": "1", "balance": "0.5"},
        "tenth@example.com": {"balance": "1"},
    }


async def test_dates_end_where_the_calendar_does(tenant: Tenant) -> None:
    seen = {"seen": {"dateFormat": "YYYY-MM-DD"}}
    await tenant.save(goal(mapping=mapped("born", "seen", **seen)))
    kept = [
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("9999-12-31", "9999-12-31T23:59:59.999999Z"),
        ("2024-02-29", "2024-02-29T23:59:59+14:00"),
        ("2000-02-29", "0001-01-01T14:00:00+14:00"),
        ("1900-02-28", "9999-12-31T09:59:59-14:00"),
    ]
    bad_dates = ["0000-01-01", "10000-01-01", "2023-02-29", "1900-02-29", "2024-04-31", "2024-00-10", "24-01-01"]
    bad_moments = [
        "2016-12-31T23:59:60Z",
        "2024-01-01T24:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "0001-01-01T13:59:59+14:00",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T10:00:00-14:00",
        "0000-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-01-01T00:00:00+15:00",
    ]
    lines = [f"n{n}@example.com,{born},{moment}" for n, (born, moment) in enumerate(kept)]
    lines += [f"d@example.com,{born}," for born in bad_dates] + [f"m@example.com,,{moment}" for moment in bad_moments]
    run = await tenant.imported("dates.csv", "\n".join(["email,born,seen", *lines]))
    codes = [code for _, code, _ in await tenant.rejects(run)]
    assert codes == ["not_a_date"] * len(bad_dates) + ["not_a_datetime"] * len(bad_moments)
    assert await shown(tenant) == {
        "n0@example.com": {"born": "0001-01-01", "seen": "0001-01-01T00:00:00+00:00"},
        "n1@example.com": {"born": "9999-12-31", "seen": "9999-12-31T23:59:59.999999+00:00"},
        "n2@example.com": {"born": "2024-02-29", "seen": "2024-02-29T09:59:59+00:00"},
        "n3@example.com": {"born": "2000-02-29", "seen": "0001-01-01T00:00:00+00:00"},
        "n4@example.com": {"born": "1900-02-28", "seen": "9999-12-31T23:59:59+00:00"},
    }


async def test_local_times_at_the_ends_of_the_calendar_are_moments_or_refused(tenant: Tenant) -> None:
    for number, zone in enumerate(("Pacific/Kiritimati", "America/Los_Angeles")):
        await tenant.save(
            goal(
                name=zone,
                source={"pattern": {"wildcard": f"{number}.csv"}, "readiness": {"strategy": "rename"}},
                mapping=mapped("seen"),
                dialect={"timezone": zone},
            )
        )
    rows = "email,seen\nfirst{0}@example.com,0001-01-01T00:00:00\nlast{0}@example.com,9999-12-31T23:59:59\n"
    east = await tenant.imported("0.csv", rows.format("east"))
    west = await tenant.imported("1.csv", rows.format("west"))
    # Local mean time was behind UTC on Kiritimati in the year 1; it is 14 hours ahead in the year 9999.
    assert await tenant.rejects(east) == []
    assert await tenant.rejects(west) == [(3, "not_a_datetime", "seen")]
    assert await shown(tenant) == {
        "firsteast@example.com": {"seen": "0001-01-01T10:29:20+00:00"},
        "lasteast@example.com": {"seen": "9999-12-31T09:59:59+00:00"},
        "firstwest@example.com": {"seen": "0001-01-01T07:52:58+00:00"},
    }


async def test_an_identifier_may_have_a_thousand_bytes(tenant: Tenant) -> None:
    await tenant.save(goal(identifiers=[{"field": "number", "property": "number"}], mapping=mapped("name")))
    fits, exceeds = "é" * 500, "é" * 500 + "x"
    run = await tenant.imported("ids.csv", f"number,name\n {fits} ,fits\n{exceeds},exceeds\n{'x' * 5_000},far\n")
    assert await tenant.rejects(run) == [(3, "identifier_too_long", "number"), (4, "identifier_too_long", "number")]
    async with gateway_of(tenant) as gateway:
        page = await gateway.ask("GET", "/v1/profiles", 200, params={"number": fits})
    assert [each["properties"]["name"] for each in page["items"]] == ["fits"]


HEADERS: list[tuple[str | bytes, str, str | None]] = [
    ("email,name,name\nann@example.com,a,b\n", "failed", "header_changed"),
    ("email,name, email\nann@example.com,a,b\n", "failed", "header_changed"),
    (",,\nann@example.com,,a\n", "failed", "header_changed"),
    ('email,"name\nann@example.com,a\n', "failed", "header_changed"),
    ("email,na\0me\nann@example.com,a\n", "failed", "header_changed"),
    ("email,name,x,x,,\nann@example.com,Ann,1,2,3,4\n", "completed", None),
    ("email,,name\nann@example.com,,Ann\n", "completed", None),
    ("email,name", "completed", "no_rows"),
    ("email,name\r\n\r\n\r\n", "completed", "no_rows"),
    ("\n\r\n\r", "failed", "empty_file"),
    ("\ufeff\n", "failed", "empty_file"),
    (gzip.compress(b"\n\n"), "failed", "empty_file"),
    ("email,name\n\n,\n", "completed_with_rejects", None),
]


async def test_a_header_says_for_certain_where_the_fields_are(tenant: Tenant) -> None:
    await tenant.save(goal())
    for number, (content, state, code) in enumerate(HEADERS):
        run = await tenant.imported(f"{number}.csv", content)
        said = [run["reason_code"]] if state == "failed" else [each["code"] for each in run["receipt"]["warnings"]]
        said = [each for each in said if each not in ("columns_ignored", "columns_new")]
        assert (run["state"], said) == (state, [code] if code else [])
    assert await shown(tenant) == {"ann@example.com": {"name": "Ann"}}


async def test_a_bomb_is_refused_by_its_ratio(tenant: Tenant) -> None:
    await tenant.save(goal())
    row = b"a@b.example," + b"x" * 3_000 + b"\n"
    run = await tenant.imported("bomb.csv", gzip.compress(b"email,name\n" + row * 30_000, compresslevel=6))
    assert (run["state"], run["reason_code"]) == ("failed", "unpack_ratio_too_high")
    assert await shown(tenant) == {}


async def test_an_account_has_four_hundred_properties_and_not_one_more(tenant: Tenant) -> None:
    async with gateway_of(tenant) as gateway:
        for number in range(400 - len(tenant.properties)):
            await gateway.ask("POST", "/v1/properties", 201, json={"name": f"p{number}", "type": "text"})
        answer = await gateway.ask("POST", "/v1/properties", 409, json={"name": "one_more", "type": "text"})
        assert answer["code"] == "too_many_properties"
    names = [f"p{number}" for number in range(400 - len(tenant.properties))]
    await tenant.save(goal(mapping=mapped("name", *names)))
    header = ",".join(["email", "name", *names])
    values = {"short": "1234567", "long": "x" * 23, "toasted": "x" * 500, "alsoshort": "7654321"}
    rows = [",".join([f"{who}@example.com", "Ann", *([value] * len(names))]) for who, value in values.items()]
    run = await tenant.imported("wide.csv", "\n".join([header, *rows]))
    assert await tenant.rejects(run) == [(3, "row_too_wide", None)]
    found = await shown(tenant)
    assert found == {
        f"{who}@example.com": {"name": "Ann", **dict.fromkeys(names, values[who])}
        for who in ("short", "toasted", "alsoshort")
    }


async def test_a_hundred_thousand_rows_of_one_profile_are_one_profile(tenant: Tenant) -> None:
    rules = {"points": {"rule": "sum"}, "balance": {"rule": "sum"}, "tags": {"rule": "add"}}
    columns = mapped("name", "points", "balance", "tags", **rules)
    await tenant.save(goal(mapping=columns))
    count = 100_000
    rows = [f"ann@example.com,name {n},{n % 3 - 1},0.1,t{n % 50}|t{n % 7}" for n in range(count)]
    run = await tenant.imported("one.csv", "\n".join(["email,name,points,balance,tags", *rows]))
    receipt = run["receipt"]
    assert (receipt["created"], receipt["profiles_affected"], receipt["rejected"]) == (count, 1, 0)
    tags = list(dict.fromkeys(tag for n in range(count) for tag in (f"t{n % 50}", f"t{n % 7}")))
    points = sum(n % 3 - 1 for n in range(count))
    expected = {"name": f"name {count - 1}", "points": str(points), "balance": "10000", "tags": tags}
    assert await shown(tenant) == {"ann@example.com": expected}
