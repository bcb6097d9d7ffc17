"""Which file names a wildcard takes."""

import fnmatch
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.names import checked_path, from_bytes, from_shown, matches, shown, taken_path, to_bytes


@pytest.mark.parametrize(
    ("wildcard", "taken", "left"),
    [
        ("*.csv", ["a.csv", ".csv", "a.b.csv", "é\n.csv"], ["a.CSV", "a.csv.gz", "acsv", "a.csv "]),
        ("newsletter_*.csv", ["newsletter_1.csv", "newsletter_.csv"], ["Newsletter_1.csv", "old_newsletter_1.csv"]),
        ("a?c", ["abc", "a?c", "aéc"], ["ac", "abbc", "aBC"]),
        ("a*b*c", ["abc", "abbbc", "a*b*c", "axbxbxc"], ["ab", "acb", "abcd"]),
        ("[ab].csv", ["[ab].csv"], ["a.csv"]),
    ],
)
def test_a_wildcard_takes_whole_names_and_tells_capitals_apart(
    wildcard: str, taken: list[str], left: list[str]
) -> None:
    assert [name for name in taken + left if matches(wildcard, name)] == taken


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=12))
def test_a_wildcard_means_what_it_means_to_a_shell(wildcard: str, name: str) -> None:
    assert matches(wildcard, name) == fnmatch.fnmatchcase(name, wildcard)


AWKWARD = st.one_of(
    st.binary(max_size=40),
    st.text(
        alphabet=st.sampled_from("aé\u0301\u202e\uef7f\uef80\uefc3\uefff\uf000\\\n\"'x0f\U000e0001"), max_size=20
    ).map(str.encode),
    st.sampled_from([b"\xed\xa0\x80", b"\xee\xbe\x80", b"\xc3", b"\xa9", b"\xc3\xa9", b"\xf4\x90\x80\x80"]),
)


@given(AWKWARD, AWKWARD)
def test_any_bytes_have_one_text_that_leads_back_to_them(one: bytes, other: bytes) -> None:
    text = from_bytes(one)
    assert to_bytes(text) == one
    assert (from_bytes(other) == text) == (other == one)
    # Where each part is cut does not matter, as long as it is cut at a slash.
    assert from_bytes(one + b"/" + other) == f"{text}/{from_bytes(other)}"
    # What is UTF-8 is itself, so that a pattern takes it.
    if not any("\uef80" <= c <= "\uefff" for c in text):
        assert text.encode() == one


NAMES = AWKWARD.filter(lambda name: b"\0" not in name)
"""No place has a name with a NUL (`taken_path`), and none is made of an escape."""


@given(NAMES, NAMES)
def test_what_is_shown_is_printable_and_leads_back_to_one_name(one: bytes, other: bytes) -> None:
    name = from_bytes(one)
    assert shown(name).isprintable()
    assert from_shown(shown(name)) == name
    alike = normalize("NFC", shown(name)) == normalize("NFC", shown(from_bytes(other)))
    assert alike == (one == other)


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        (b"plain \xc3\xa9 '\".csv", "plain é '\".csv"),
        (b"line\nbreak\x7f.csv", "line\\x0abreak\\x7f.csv"),
        ("\u202evsc.exe".encode(), "\\u202evsc.exe"),
        (b"M\xfcller.csv", "M\\xfcller.csv"),
        ("Mu\u0308ller.csv".encode(), "Mu\\u0308ller.csv"),
        ("M\u00fcller \u0e01\u0e34.csv".encode(), "M\u00fcller \u0e01\u0e34.csv"),
        ("\u212b\u1100\u1161".encode(), "\\u212b\u1100\\u1161"),
        (b"back\\slash.csv", "back\\\\slash.csv"),
        ("\uef80\U000e0001".encode(), "\\xee\\xbe\\x80\\U000e0001"),
    ],
)
def test_a_name_is_shown_escaped(name: bytes, looks: str) -> None:
    assert shown(from_bytes(name)) == looks


def test_what_is_no_escape_stands_for_itself() -> None:
    for text in ("C:\\data\\u12\\ud800\\Uffffffff", "\\x00\\u0000"):
        assert from_shown(text) == text


def test_a_text_that_is_no_name_is_refused_and_settings_name_no_such_bytes() -> None:
    for name in ("a\ud800", "\udcff"):
        with pytest.raises(ValueError, match="undecodable"):
            to_bytes(name)
    with pytest.raises(ValueError, match="undecodable"):
        checked_path(from_bytes(b"in\xff"))


@pytest.mark.parametrize(
    ("path", "flaw"),
    [
        ("a\0", "NUL"),
        ("a//b", "empty"),
        ("../b", "empty"),
        ("/a", "empty"),
        ("é" * 128, "more than 255"),
        ("a/" * 600 + "a", "more than 1024"),
    ],
)
def test_a_path_of_a_place_has_no_surprises(path: str, flaw: str) -> None:
    with pytest.raises(ValueError, match=flaw):
        taken_path(path)


def test_a_path_of_a_place_may_be_any_bytes() -> None:
    for name in (b"\xff" * 255, b"line\nbreak", b" ", b"-rf", b"\\", b"...", "\u202e".encode()):
        assert taken_path(from_bytes(name)) == from_bytes(name)
