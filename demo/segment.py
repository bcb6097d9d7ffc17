"""The demonstration's segment: members with points who have not opted out, as the database has them and as a file has.

The file is written as the imports were, so that what is compared has been through dialect, gzip and encryption.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from demo.client import Client

NAME = "Members with points"
CONDITION: dict[str, Any] = {
    "all": [
        {"property": "member", "equals": True},
        {"property": "points", "at_least": 25},
        {"not": {"consent": "opted_out"}},
    ]
}
DELIMITER = ";"
_COLUMNS = ("email", "first_name", "city", "points", "balance", "tags", "birth_date")


def goal(segment: str) -> dict[str, Any]:
    """An export of the segment."""
    return {
        "kind": "export_profiles",
        "name": NAME,
        "segment": segment,
        "target": {"directory": "out", "file_name": "members_{requested_at:YYYYMMDDHHmmss}.csv"},
        "dialect": {"delimiter": DELIMITER, "decimalChar": ",", "listDelimiter": "|", "dateFormat": "DD.MM.YYYY"},
        "columns": [{"property": name} for name in _COLUMNS],
    }


async def as_stored(client: Client) -> list[tuple[Any, ...]]:
    """Who is in the segment by what the database says of everybody, one profile after the other."""
    found = [each["properties"] async for each in client.profiles() if _is_in(each)]
    return [tuple(Decimal(each[name]) if name == "balance" else each[name] for name in _COLUMNS) for each in found]


def as_written(rows: Iterable[list[str]]) -> list[tuple[Any, ...]]:
    """The file's rows, as the database would say them."""
    return [
        (*texts, points, Decimal(balance.replace(",", ".")), tags.split("|"), _day(born))
        for *texts, points, balance, tags, born in rows
    ]


def _is_in(profile: dict[str, Any]) -> bool:
    values = profile["properties"]
    return values["member"] is True and int(values["points"] or 0) >= 25 and profile["opt_in"] is not False


def _day(text: str) -> str:
    day, month, year = text.split(".")
    return f"{year}-{month}-{day}"
