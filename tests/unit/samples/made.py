"""Contact files made by seeded code, each with the truth about it: how it is written, and what its values are."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

WORDS = {
    "western": (
        ("Renée", "Jürgen", "Zoë", "Søren", "Ann", "Bob", "Íñigo"),
        ("Müller", "Núñez", "d'Été", "Smith", "Åberg"),
        ("Köln", "Århus", "Málaga", "Leeds"),
    ),
    "polish": (
        ("Łukasz", "Michał", "Zofia", "Józef", "Anna"),
        ("Wójcik", "Kowalczyk", "Żak", "Śliwa"),
        ("Łódź", "Kraków"),
    ),
    "russian": (("Иван", "Мария", "Пётр", "Ольга"), ("Иванов", "Смирнова", "Кузнецов"), ("Москва", "Тверь")),
    "japanese": (("太郎", "花子", "健一", "美咲"), ("山田", "佐藤", "鈴木"), ("東京都", "大阪市")),
    "plain": (("Ann", "Bob", "Eve", "Max", "Ida"), ("Smith", "Jones", "Doe", "Roe"), ("Leeds", "York", "Bath")),
}

ENCODINGS = {
    "utf-8": "western",
    "utf-8-sig": "western",
    "utf-16": "western",
    "utf-16-be": "polish",
    "cp1252": "western",
    "iso8859-15": "western",
    "cp1250": "polish",
    "cp1251": "russian",
    "koi8-r": "russian",
    "cp932": "japanese",
    "ascii": "plain",
    "mac-roman": "western",
}
DELIMITERS = (",", ";", "\t", "|", "||", "~|~", "^", "::")
QUOTING = ("minimal", "all", "backslash", "apostrophes", "none")
ORDERS: dict[str, Callable[[date], str]] = {
    "YYYY-MM-DD": lambda day: f"{day:%Y-%m-%d}",
    "DD.MM.YYYY": lambda day: f"{day:%d.%m.%Y}",
    "MM/DD/YYYY": lambda day: f"{day:%m/%d/%Y}",
    "DD/MM/YYYY": lambda day: f"{day:%d/%m/%Y}",
    "D.M.YYYY": lambda day: f"{day.day}.{day.month}.{day.year}",
    "DD.MM.YY": lambda day: f"{day:%d.%m.%y}",
    "YY-MM-DD": lambda day: f"{day:%y-%m-%d}",
    "YYYYMMDD": lambda day: f"{day:%Y%m%d}",
}
MARKS = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'"))
HEADERS = {
    "english": (
        "Customer ID",
        "E-mail",
        "First name",
        "Last name",
        "City",
        "Date of birth",
        "Balance",
        "Points",
        "Newsletter",
    ),
    "german": (
        "Kundennummer",
        "E-Mail-Adresse",
        "Vorname",
        "Nachname",
        "Ort",
        "Geburtsdatum",
        "Guthaben",
        "Punkte",
        "Newsletter",
    ),
    "russian": ("ID", "Email", "Имя", "Фамилия", "Город", "Дата", "Баланс", "Очки", "Подписка"),
    "none": (),
}
NOTES = (
    "likes, among others, tea",
    'calls herself "Annie"',
    "met at 10:30; came back",
    "",
    "see https://example.com/a?b=1",
)


@dataclass(frozen=True)
class Made:
    """A file, how it is written, and what it says."""

    name: str
    content: bytes
    encoding: str
    delimiter: str
    quote: str | None
    escape: str | None
    header: tuple[str, ...]
    date_format: str
    decimal: str
    group: str
    rows: tuple[tuple[str | None, ...], ...]
    """Canonical values: numbers plain, dates ISO."""
    skipped: int = 0
    comment: str | None = None
    are_days_ambiguous: bool = False
    are_marks_ambiguous: bool = False
    tags: dict[str, str] = field(default_factory=dict)


def files(count: int = 72) -> list[Made]:
    """So many files, in which every value of each dimension is met with many of the others."""
    dice = random.Random(20)
    dimensions = list(
        product(
            sorted(ENCODINGS),
            DELIMITERS,
            QUOTING,
            sorted(ORDERS),
            MARKS,
            ("english", "german", "none"),
            (2, 5, 30, 100),
        )
    )
    chosen = dice.sample(dimensions, count * 4)
    made: list[Made] = []
    for number, (encoding, delimiter, quoting, order, marks, header, rows) in enumerate(chosen):
        if len(made) == count:
            break
        if header != "none" and ENCODINGS[encoding] == "russian":
            header = "russian"
        one = make(number, encoding, delimiter, quoting, order, marks, header, rows)
        if one is not None:
            made.append(one)
    return made


def make(
    number: int,
    encoding: str,
    delimiter: str,
    quoting: str,
    order: str,
    marks: tuple[str, str],
    header: str,
    count: int,
    *,
    are_days_small: bool | None = None,
    are_marks_ambiguous: bool | None = None,
) -> Made | None:
    """One file; None where it could not be written so, as a value would need quotes that there are not."""
    dice = random.Random(number)
    small = dice.random() < 0.25 if are_days_small is None else are_days_small
    plain_marks = dice.random() < 0.15 if are_marks_ambiguous is None else are_marks_ambiguous
    people = [_person(dice, ENCODINGS[encoding], index, small, plain_marks, order) for index in range(count)]
    notes = dice.random() < 0.5 and quoting in ("minimal", "all", "backslash")
    lines = []
    names = HEADERS[header] + (("Notes",) if notes and header != "none" else ())
    if names:
        lines.append(list(names))
    for person in people:
        line = [
            str(person.number),
            person.email,
            person.first,
            person.last,
            person.city,
            ORDERS[order](person.born),
            written(person.balance, marks, 3 if plain_marks else 2),
            str(person.points),
            "yes" if person.member else "no",
        ]
        lines.append([*line, dice.choice(NOTES)] if notes else line)
    text = _text(lines, delimiter, quoting)
    if text is None:
        return None
    rows = tuple(
        (
            str(person.number),
            person.email,
            person.first,
            person.last,
            person.city,
            person.born.isoformat(),
            _plain(person.balance),
            str(person.points),
            "true" if person.member else "false",
        )
        for person in people
    )
    encoded = text.encode(encoding)
    return Made(
        name=f"{number}: {encoding} {delimiter!r} {quoting} {order} {marks} {header} {count}",
        content=encoded,
        encoding=encoding,
        delimiter=delimiter,
        quote={"apostrophes": "'", "none": None}.get(quoting, '"'),
        escape="\\" if quoting == "backslash" else None,
        header=tuple(names),
        date_format=order,
        decimal=marks[0],
        group=marks[1],
        rows=rows,
        are_days_ambiguous=small,
        are_marks_ambiguous=plain_marks,
    )


@dataclass(frozen=True)
class _Person:
    number: int
    email: str
    first: str
    last: str
    city: str
    born: date
    balance: Decimal
    points: int
    member: bool


def _person(dice: random.Random, language: str, index: int, small: bool, plain_marks: bool, order: str) -> _Person:
    firsts, lasts, cities = WORDS[language]
    born = date(1950, 1, 1) + timedelta(days=dice.randrange(20_000))
    if "YY" not in order.replace("YYYY", "") or born.year >= 1969:
        pass
    else:
        born = born.replace(year=1969 + born.year % 31, day=min(born.day, 28))
    if small:
        born = born.replace(day=dice.randrange(1, 13))
    if index == 1 and not small:
        born = born.replace(day=28)
    balance = Decimal(dice.randrange(100, 5_000_000)) / 100
    if plain_marks:
        balance = Decimal(dice.randrange(1_001, 9_999)) / 1000
    return _Person(
        number=1000 + index * 3,
        email=f"person{index}.{dice.randrange(1000)}@example.com",
        first=dice.choice(firsts),
        last=dice.choice(lasts),
        city=dice.choice(cities),
        born=born,
        balance=balance,
        points=dice.randrange(2, 500) if index else 7,
        member=dice.random() < 0.5 if index > 1 else bool(index),
    )


def written(number: Decimal, marks: tuple[str, str], decimals: int) -> str:
    """A number in a notation."""
    decimal, group = marks
    whole, _, fraction = f"{number:,.{decimals}f}".partition(".")
    return f"{whole.replace(',', group)}{decimal}{fraction}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(lines: Sequence[Sequence[str]], delimiter: str, quoting: str) -> str | None:
    written_lines = []
    for line in lines:
        cells = [_cell(cell, delimiter, quoting) for cell in line]
        if any(cell is None for cell in cells):
            return None
        written_lines.append(delimiter.join(cell for cell in cells if cell is not None))
    return "\r\n".join(written_lines) + "\r\n"


def _cell(text: str, delimiter: str, quoting: str) -> str | None:
    if quoting == "none":
        return None if delimiter[0] in text or '"' in text else text
    if quoting == "apostrophes":
        return "'" + text.replace("'", "''") + "'"
    needs = any(c in text for c in (delimiter[0], '"', "\n")) or (delimiter in text)
    if quoting == "backslash":
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if needs else text
    return '"' + text.replace('"', '""') + '"' if needs or quoting == "all" else text
