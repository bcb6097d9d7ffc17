"""What a goal may say about consent and language, and what it may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.opt_in import ContactLanguage, OptIn


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"declaration": "from_file"}, "exactly one of field, position"),
        ({"declaration": "from_file", "field": "ok", "position": 1}, "exactly one of field, position"),
        ({"declaration": "everyone", "field": "ok"}, "with from_file alone"),
        ({"declaration": "everyone", "trueValues": ["ja"], "falseValues": ["nee"]}, "with from_file alone"),
        ({"declaration": "from_file", "field": "ok", "trueValues": ["ja"]}, "together, or neither"),
        ({"declaration": "from_file", "field": "ok", "trueValues": ["x"], "falseValues": ["X "]}, "among trueValues"),
        ({"declaration": "undefined", "time": {"field": "since"}}, "found a time"),
        ({"declaration": "undefined", "resubscribe": "always"}, "where a file can opt people in"),
        ({"declaration": "unsubscribe_everyone", "resubscribe": "always"}, "where a file can opt people in"),
        ({"declaration": "everyone", "time": {"field": "since", "timezone": "Mars/Base"}}, "time zone"),
        ({"declaration": "perhaps"}, "everyone"),
    ],
)
def test_consent_is_said_in_one_way(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        OptIn.model_validate(settings)


def test_a_contact_language_is_one_for_all_or_a_column() -> None:
    assert ContactLanguage.model_validate({"fixed": "PT-br"}).fixed == "pt-BR"
    for settings in ({}, {"fixed": "nl", "field": "lang"}, {"field": "lang", "position": 1}, {"fixed": "Dutch"}):
        with pytest.raises(ValidationError, match=r"exactly one|language tag"):
            ContactLanguage.model_validate(settings)
