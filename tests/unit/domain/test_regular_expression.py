"""Regular expressions: what of the notation is read, how it is written out, and what is refused with a sentence."""

import json
import time

import polars as pl
import pytest

from shared.domain.case_folding import fold, folding
from shared.domain.expression_reader import MAX_SKIPS, MAX_WEIGHT
from shared.domain.regular_expression import MAX_LENGTH, regular_expression
from tests.corpora.folder import content, needed

WRITTEN = [
    ("abc1", "abc1", "abc1"),
    ("^a.b$", r"\Aa[^\x{A}]b\z", r"\Aa[^\u000a]b\Z"),
    (r"\d\W", r"[0-9][^0-9A-Z\x{5F}a-z]", r"[0-9][^0-9A-Z\u005fa-z]"),
    (r"[\d\-.é]", r"[\x{2D}-\x{2E}0-9\x{E9}]", r"[\u002d-\u002e0-9\u00e9]"),
    (r"[-a]|[b-]", r"(?:[\x{2D}a]|[\x{2D}b])", r"(?:[\u002da]|[\u002db])"),
    ("(a|)+?", "((?:a|(?:)))+?", "(?:(?:a|(?:)))+"),
    ("a{2}b{2,}c{0,1}d{1,3}?", "a{2,2}b{2,}c?d{1,3}?", "a{2,2}b{2,}c?d{1,3}"),
    ("(?:😀)*", r"(?:\x{1F600})*", r"(?:\U0001f600)*"),
]


@pytest.mark.parametrize(("text", "rust", "postgresql"), WRITTEN)
def test_an_expression_is_written_out_for_each_engine(text: str, rust: str, postgresql: str) -> None:
    found = regular_expression(text)
    assert (found.for_rust(), found.for_postgresql()) == (rust, postgresql)


REFUSED = [
    ("", "empty"),
    ("a" * (MAX_LENGTH + 1), "501 characters"),
    (r"(a)\1", "no back-references"),
    (r"\bword", "no word boundaries"),
    (r"\p{L}", r"found '\\p'"),
    ("a(?=b)", "no look-around"),
    ("(?i)a", "no flag"),
    ("(?P<name>a)", "no named group"),
    ("*a", "nothing to repeat"),
    ("a**", "repetition of a repetition"),
    ("a++", "repetition of a repetition"),
    ("(?:^a)*", "in what is repeated"),
    ("$?", "in what is repeated"),
    ("a{3,2}", "found the count"),
    ("a{0}", "found the count"),
    ("a{201}", "found the count"),
    ("a{,2}", r"expected '\\\{'"),
    ("(a", "never closed"),
    ("a)", "without a group"),
    ("[a", "never closed"),
    ("[]a]", "empty set"),
    ("[[:alpha:]]", r"expected '\\\['"),
    ("[z-a]", "ends before it starts"),
    ("a\0", r"U\+0000"),
    ("\ud800", r"U\+D800"),
    ("a\\", r"found '\\'"),
    ("(?:" * 21 + "a" + ")" * 21, "deeper than 20"),
    ("()" * 21, "more than 20 groups"),
    ("((a{100}){100})", f"more than {MAX_WEIGHT}"),
    ("(?:(?:){100}){100}", f"more than {MAX_WEIGHT}"),
    ("(?:(?:a?){30}){30}", f"more than {MAX_SKIPS}"),
    ("(a|){201}", "found the count"),
    ("(?:(a||b*){20}){6}", f"more than {MAX_SKIPS}"),
    ("a?" * 201, f"more than {MAX_SKIPS}"),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED)
def test_what_engines_read_differently_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        regular_expression(text)


def test_case_is_folded_by_characters_and_once() -> None:
    assert fold("STRASSE Straße Σς Éé İ K") == "strasse straße σσ éé İ k"
    assert not set(folding()) & set(folding().values())
    others = "".join(map(chr, (*range(0x3400, 0xA000), *range(0xAC00, 0xD800), *range(0x20000, 0x110000))))
    assert fold(others) == others.casefold() == others.lower() == others


@pytest.mark.parametrize("text", ["É", "[à-ï]", "[A-Z]+", "[^e]", r"\w", "(É|x){1,2}", "^É$"])
def test_a_folded_expression_finds_what_is_the_same_but_for_case(text: str) -> None:
    found = regular_expression(text).folded()
    assert [bool(pl.Series([fold(one)]).str.contains(found.for_rust())[0]) for one in "Éé"].count(True) in (0, 2)
    assert found.folded() == found


@needed
def test_hostile_expressions_are_refused_or_take_bounded_time() -> None:
    patterns = [each["pattern"] for each in json.loads(content("redos", "patterns.json"))]
    assert len(patterns) > 40
    texts = [sign * 100_000 + "!" for sign in ("a", "x", "0", " ", "#", ",", "t ", "b", "abc", "\\", "; ")]
    values, accepted = pl.Series(texts), 0
    for pattern in patterns:
        try:
            expression = regular_expression(pattern).for_rust()
        except ValueError:
            continue
        accepted += 1
        began = time.monotonic()
        values.str.contains(expression)
        values.str.extract(expression, 0)
        # A backtracking engine takes longer than anybody lives; here a hundredth of this is usual.
        assert time.monotonic() - began < 30, pattern
    assert accepted > 20


@pytest.mark.parametrize(
    ("text", "looks_far"),
    [
        ("[^0-9]+", False),
        (r"\s*", False),
        ("ab{2,5}(c|d)?", False),
        ("(^a|b+)", False),
        (r"x\d+", False),
        ("a+b", True),
        ("(ab)+", True),
        ("a.*b|a", True),
        ("(a{4,}b)*", True),
    ],
)
def test_an_expression_says_whether_it_may_read_far_behind_its_match(text: str, looks_far: bool) -> None:
    assert regular_expression(text).looks_far is looks_far
