"""What may be said of files whose runs have ended."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.afterwards import AfterDone, AfterFailed, Afterwards


def test_without_a_word_imported_files_are_renamed_and_failed_ones_moved() -> None:
    assert Afterwards() == Afterwards(done=AfterDone(rename_suffix=".done"), failed=AfterFailed(move_to="failed"))
    assert Afterwards().suffixes == (".done",)


@pytest.mark.parametrize("said", [{"rename_suffix": ".failed"}, {"move_to": "failed"}, {"leave": True}])
def test_one_thing_becomes_of_a_failed_file(said: dict[str, Any]) -> None:
    assert AfterFailed.model_validate(said).model_dump(exclude_none=True) == said


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"rename_suffix": ".failed", "move_to": "failed"},
        {"rename_suffix": ".failed", "leave": True},
        {"rename_suffix": "failed"},
        {"rename_suffix": "."},
        {"rename_suffix": "./failed"},
        {"rename_suffix": ".failed.yet"},
        {"rename_suffix": ".failed\n"},
        {"rename_suffix": f".{'a' * 21}"},
        {"delete": True},
    ],
)
def test_what_is_no_one_thing_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AfterFailed.model_validate(said)


@pytest.mark.parametrize("suffix", [".done", ".DONE"])
def test_imported_and_failed_files_are_told_apart(suffix: str) -> None:
    with pytest.raises(ValidationError, match="imported and failed files have the same suffix"):
        Afterwards.model_validate({"failed": {"rename_suffix": suffix}})
    moved = {"done": {"move_to": "archive"}, "failed": {"rename_suffix": suffix}}
    assert Afterwards.model_validate(moved).suffixes == (suffix,)
