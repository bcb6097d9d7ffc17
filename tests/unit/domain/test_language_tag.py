"""Language tags are well-formed or none, and written in one case."""

import pytest

from shared.domain.language_tag import language_tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        # RFC 5646, section 2.1.1 and appendix A.
        ("nl", "nl"),
        ("NL-be", "nl-BE"),
        ("MN-cYRL-mn", "mn-Cyrl-MN"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("zh-CMN-hans-cn", "zh-cmn-Hans-CN"),
        ("es-419", "es-419"),
        ("SL-ROZAJ-BISKE", "sl-rozaj-biske"),
        ("de-ch-1901", "de-CH-1901"),
        ("en-CA-x-ca", "en-CA-x-ca"),
        ("en-u-ca-gregory", "en-u-ca-gregory"),
        ("az-Arab-x-AZE-derbend", "az-Arab-x-aze-derbend"),
    ],
)
def test_a_tag_is_written_as_the_standard_writes_it(text: str, tag: str) -> None:
    assert language_tag(text) == tag
    assert language_tag(tag) == tag


@pytest.mark.parametrize(
    "text",
    ["", "English", "Nederlands", "e", "en_GB", "en-", "-en", "en--GB", "en GB", "x-whatever", "i-klingon", "ar-a-",
     "de-419-DE", "a-DE", "nl\n", "ſv", "en-" + "abcde-" * 20 + "fghij"],
)  # fmt: skip  # a table
def test_what_is_no_tag_is_none(text: str) -> None:
    assert language_tag(text) is None
