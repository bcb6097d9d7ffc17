"""Contact files whose every outcome is known before they are imported."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

SEALED_ROWS = 600
STATUSES = ("active", "paused", "ended")
INTERESTS = ("sport", "garden", "books")
HEADER = ("E-mail", "First name", "City", "Points", "Balance", "Tags", "Member", "Birth date")
DELIMITER = ";"
ROWS = 10_000
BAD_ROWS = 100


@dataclass(frozen=True, slots=True)
class Made:
    """A file and what importing it must come to."""

    name: str
    content: bytes
    rows: int
    created: int
    updated: int
    unchanged: int
    rejects_by_code: dict[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """Rows that must be rejected."""
        return sum(self.rejects_by_code.values())


def person(number: int) -> list[str]:
    """One good row; the same for the same number."""
    born = date(1950, 1, 1) + timedelta(days=number % 18_000)
    return [
        f"person{number}@example.com",
        f"Ana {number}" if number % 7 else f'Ana "{number}"; called A',
        ("Utrecht", "Ghent", "Århus", "Łódź")[number % 4],
        str(number % 50),
        f"{number % 1000},{number % 100:02d}",
        "news|vip" if number % 3 else "news",
        "yes" if number % 2 else "no",
        f"{born:%d.%m.%Y}",
    ]


def first() -> Made:
    """Ten thousand rows, a hundred of them bad in ten ways."""
    rows = [_line(person(number)) for number in range(ROWS)]
    spoilers = (
        ("no_identifier", _with(0, "")),
        ("not_an_email", _with(0, "person at example.com")),
        ("not_an_integer", _with(3, "many")),
        ("out_of_range", _with(3, "99999999999999999999")),
        ("not_a_number", _with(4, "12.5.0")),
        ("too_precise", _with(4, "1,00000000001")),
        ("not_a_boolean", _with(6, "perhaps")),
        ("not_a_date", _with(7, "31.02.1990")),
        ("too_few_fields", lambda row: _line(row[:5])),
        ("too_many_fields", lambda row: _line([*row, "and more"])),
    )
    codes: dict[str, int] = {}
    for place in range(BAD_ROWS):
        code, spoil = spoilers[place % len(spoilers)]
        number = place * (ROWS // BAD_ROWS) + 17
        rows[number] = spoil(person(number))
        codes[code] = codes.get(code, 0) + 1
    content = (_line(list(HEADER)) + "".join(rows)).encode()
    return Made("contacts_1.csv", content, ROWS, ROWS - BAD_ROWS, 0, 0, codes)


def second() -> Made:
    """Four thousand rows: half are known; of these a quarter changed, and the others are as they were."""
    bad = {place * (ROWS // BAD_ROWS) + 17 for place in range(BAD_ROWS)}
    known = [number for number in range(ROWS) if number not in bad][:2_000]
    rows = []
    for place, number in enumerate(known):
        row = person(number)
        # Points are summed: only adding nothing leaves a profile unchanged.
        row[3] = ""
        if place % 4 == 0:
            row[2] = "Bergen"
        rows.append(_line(row))
    rows += [_line(person(number)) for number in range(ROWS, ROWS + 2_000)]
    content = (_line(list(HEADER)) + "".join(rows)).encode()
    return Made("contacts_2.csv", content, 4_000, 2_000, 500, 1_500)


@dataclass(frozen=True, slots=True)
class Member:
    """A row of the third file, as a profile has it afterwards."""

    email: str
    status: str
    interests: list[str]
    newsletter: bool
    last_seen: str


def member(number: int) -> Member:
    """The same for the same number."""
    return Member(
        email=person(number)[0],
        status=STATUSES[number % 3],
        interests=list(INTERESTS[: 1 + number % len(INTERESTS)]),
        newsletter=number % 5 != 0,
        last_seen=f"{date(2026, 1, 1) + timedelta(days=number % 300):%Y-%m-%d}",
    )


def members() -> list[int]:
    """The numbers of those in the third file: half of them are known."""
    half = SEALED_ROWS // 2
    known = [number for number in range(ROWS) if number % (ROWS // BAD_ROWS) != 17][:half]
    return known + list(range(2 * ROWS, 2 * ROWS + half))


def third() -> Made:
    """Six hundred rows as another system writes them, with choices in its own spelling and opt-ins."""
    rows = [["E-mail", "Status", "Interests", "Newsletter", "Last seen"]]
    for each in map(member, members()):
        newsletter = "yes" if each.newsletter else "no"
        rows.append([each.email, each.status.upper(), "|".join(each.interests), newsletter, each.last_seen])
    half = SEALED_ROWS // 2
    return Made("members_1.csv", "".join(map(_line, rows)).encode(), SEALED_ROWS, half, half, 0)


def _with(column: int, value: str) -> Callable[[list[str]], str]:
    def spoil(row: list[str]) -> str:
        return _line([*row[:column], value, *row[column + 1 :]])

    return spoil


def _line(row: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=DELIMITER, lineterminator="\r\n").writerow(row)
    return buffer.getvalue()
