"""A receipt adds up: of the run, of each file of an archive, and of all of these together."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from shared.domain.receipt import FileFacts, MemberFacts, Receipt
from shared.domain.run import RunState

ONE = {
    "name": "a.csv", "first_record": 1, "rows_read": 6, "created": 1, "updated": 1, "unchanged": 1, "skipped": 1,
    "rejected": 2, "skipped_by_reason": {"filtered": 1}, "rejects_by_code": {"no_identifier": 2},
}  # fmt: skip  # a table
OTHER = {
    "name": "b.csv", "first_record": 7, "rows_read": 2, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0,
}  # fmt: skip  # a table
WHOLE = {
    "rows_read": 8, "created": 3, "updated": 1, "unchanged": 1, "skipped": 1, "rejected": 2,
    "skipped_by_reason": {"filtered": 1}, "rejects_by_code": {"no_identifier": 2},
}  # fmt: skip  # a table


def _receipt(*members: dict[str, Any], **changes: Any) -> Receipt:
    file = FileFacts(name="packed.zip", size_bytes=1, members=tuple(MemberFacts(**each) for each in members))
    return Receipt(
        **{**WHOLE, **changes},
        run_id=UUID(int=1),
        goal_id=UUID(int=2),
        goal_version=1,
        state=RunState.COMPLETED,
        file=file,
        queued_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_what_became_of_an_archive_s_files_is_what_became_of_the_run() -> None:
    receipt = _receipt(ONE, OTHER)
    assert Receipt.model_validate_json(receipt.model_dump_json()) == receipt


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows_read": 7},
        {"created": 2},
        {"unchanged": None},
        {"skipped_by_reason": {"filtered": 2}},
        {"rejects_by_code": {"no_identifier": 1}},
        {"rejects_by_code": {}},
    ],
)
def test_a_file_that_does_not_add_up_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"add up|be told"):
        MemberFacts(**ONE | wrong)


@pytest.mark.parametrize(
    "other",
    [
        OTHER | {"rows_read": 1, "created": 1},
        OTHER | {"created": 1, "updated": 1},
        OTHER | {"created": 1, "rejected": 1, "rejects_by_code": {"no_identifier": 1}},
        OTHER | {"created": 1, "skipped": 1, "skipped_by_reason": {"filtered": 1}},
    ],
)
def test_files_that_do_not_add_up_to_the_run_are_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="an archive's files must add up"):
        _receipt(ONE, other)


def test_files_of_a_run_that_did_not_come_so_far_say_nothing() -> None:
    """As in receipts of runs that failed, and in those of earlier versions."""
    read = {"name": "a.csv", "first_record": 1, "rows_read": 6, "unreadable": 2, "rejected": 2}
    nothing = dict.fromkeys(("rows_read", "created", "updated", "unchanged", "skipped", "rejected"), 0)
    receipt = _receipt(read, **nothing, skipped_by_reason={}, rejects_by_code={})
    assert receipt.file is not None
    assert receipt.file.members[0].created is None
