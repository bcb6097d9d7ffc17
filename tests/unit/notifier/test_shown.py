"""Text of others, shown in one line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.shown import ELLIPSIS, REPLACEMENT, shown
from tests.unit.notifier.told import HOSTILE


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("contacts.csv", 20, "contacts.csv"),
        ("  two\t\n lines  ", 20, "two lines"),
        ("invoice\u202egpj.exe", 40, f"invoice{REPLACEMENT}gpj.exe"),
        ("nul\0byte", 40, f"nul{REPLACEMENT}byte"),
        ("lone \udc80", 40, f"lone {REPLACEMENT}"),
        ("کتاب\u200cها.csv", 40, "کتاب\u200cها.csv"),
        ("👩\u200d💻.csv", 40, "👩\u200d💻.csv"),
        ("contacts_of_the_whole_year_2026.csv", 20, f"contacts_o{ELLIPSIS}_2026.csv"),
        ("", 20, ""),
    ],
)
def test_text_is_shown_as_one_line(text: str, limit: int, expected: str) -> None:
    assert shown(text, limit) == expected


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)), st.integers(min_value=2, max_value=200))
def test_nothing_but_one_bounded_line_of_visible_characters_is_ever_shown(text: str, limit: int) -> None:
    line = shown(text, limit)
    assert len(line) <= limit
    assert len(f"{line}x".splitlines()) == 1
    assert not {unicodedata.category(char) for char in line if char not in "\u200c\u200d"} & {
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
    }
    line.encode()


@given(st.text(), st.integers(min_value=2, max_value=200))
def test_what_was_shown_once_is_shown_the_same_again(text: str, limit: int) -> None:
    assert shown(shown(text, limit), limit) == shown(text, limit)
