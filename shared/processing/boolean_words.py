"""Words for yes and no in the languages of those who send files, where a property's own words are others."""

from collections.abc import Sequence
from typing import Any

_PAIRS = (
    ("ja", "nein"),
    ("ja", "nee"),
    ("ja", "nej"),
    ("ja", "nei"),
    ("oui", "non"),
    ("si", "no"),
    ("sí", "no"),
    ("sì", "no"),
    ("sim", "não"),
    ("tak", "nie"),
    ("ano", "ne"),
    ("igen", "nem"),
    ("kyllä", "ei"),
    ("да", "нет"),
    ("evet", "hayır"),
    ("はい", "いいえ"),
    ("wahr", "falsch"),
    ("vrai", "faux"),
    ("waar", "onwaar"),
    ("vero", "falso"),
    ("verdadero", "falso"),
    ("prawda", "fałsz"),
    ("on", "off"),
    ("t", "f"),
    ("y", "n"),
    ("j", "n"),
    ("o", "n"),
    ("s", "n"),
)


def words_of(values: Sequence[str]) -> dict[str, Any]:
    """The notation of a column whose values are both words of one pair; empty where they are not, or the usual ones."""
    found = {value.casefold() for value in values}
    for true, false in _PAIRS:
        if found == {true, false}:
            return {"trueValues": (true,), "falseValues": (false,)}
    return {}
