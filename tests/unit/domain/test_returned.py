"""What is put back into a drop folder: its names fit to what servers hold, and its acknowledgement tells no value."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.domain import returned
from shared.domain.receipt import FileFacts, Receipt
from shared.domain.run import Reason, RunState

RUN = UUID("12345678-0000-4000-8000-000000000001")


@pytest.mark.parametrize("name", ["contacts.csv", "x" * 255, "\N{SNOWMAN}" * 85, "a" + "\N{SNOWMAN}" * 84])
@pytest.mark.parametrize("directory", ["", "rejected", "/".join(["d" * 95] * 8)])
def test_names_begin_with_the_files_own_and_fit(name: str, directory: str) -> None:
    plain, own = returned.stems(f"in/{name}", directory, RUN)
    assert own.endswith(".12345678")
    assert plain != own
    for stem in (plain, own):
        for path in returned.all_of(stem):
            assert len(path.encode()) <= 1_024
            assert len(path.rpartition("/")[2].encode()) <= 255
            assert path.rpartition("/")[0] == directory
    cut = plain.rpartition("/")[2]
    assert cut
    assert name.startswith(cut)


def test_an_acknowledgement_tells_counts_and_codes_and_nothing_of_a_row() -> None:
    receipt = Receipt(
        run_id=RUN,
        goal_id=RUN,
        goal_version=1,
        state=RunState.FAILED,
        reason=Reason(code="header_changed", detail="Found 'canary'.", what_to_do="See 'canary'."),
        file=FileFacts(name="in/a.csv", size_bytes=7, sha256="ab", columns=("canary",)),
        warnings=(Reason(code="w", detail="canary"),),
        queued_at=datetime(2026, 3, 1, tzinfo=UTC),
        finished_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    content = returned.acknowledgement(receipt, "in/a.csv", "out/a.csv.rejects.csv", None)
    assert b"canary" not in content
    told = json.loads(content)
    assert (told["file"], told["state"], told["reason_code"], told["size_bytes"]) == (
        "a.csv",
        "failed",
        "header_changed",
        7,
    )
    assert (told["rejects_file"], told["value_rejects_file"]) == ("a.csv.rejects.csv", None)
