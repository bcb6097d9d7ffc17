"""What a mail says about a run."""

import pytest

from services.notifier.receipt import FIRST_REJECTS, OUTCOMES, CodeLine, describe, is_problem, meaning
from shared.domain.absent import AbsentCounts
from shared.domain.receipt import FileFacts, ListCounts
from shared.domain.reject import MESSAGES, RejectCode
from shared.domain.run import Reason, RunState
from shared.storage.mails import RejectPlace
from tests.unit.notifier.told import HOSTILE, RUN, run

REJECTED = {"rows_read": 10, "created": 7, "rejected": 3, "rejects_by_code": {"not_a_date": 1, "not_an_email": 2}}


@pytest.mark.parametrize(
    ("state", "subject"),
    [
        (RunState.COMPLETED, "Completed: Nightly contacts, contacts.csv"),
        (RunState.COMPLETED_WITH_REJECTS, "Completed with rejects: Nightly contacts, contacts.csv"),
        (RunState.FAILED, "Failed: Nightly contacts, contacts.csv"),
        (RunState.SKIPPED, "Skipped: Nightly contacts, contacts.csv"),
        (RunState.CANCELLED, "Cancelled: Nightly contacts, contacts.csv"),
        (RunState.UNDONE, "Undone: Nightly contacts, contacts.csv"),
        (RunState.WAITING, "Waits for approval: Nightly contacts, contacts.csv"),
    ],
)
def test_the_subject_says_what_became_of_which_file(state: RunState, subject: str) -> None:
    assert describe(run(state)).subject == subject


def test_a_run_without_a_file_is_named_by_its_goal_alone() -> None:
    assert describe(run(file_name=None, is_export=True)).subject == "Completed: Nightly contacts"


def test_there_is_no_subject_for_a_state_that_nobody_is_told_about() -> None:
    assert set(RunState) - set(OUTCOMES) == {RunState.QUEUED, RunState.RUNNING}


def test_the_counts_are_the_receipt_s() -> None:
    text = describe(run(RunState.COMPLETED_WITH_REJECTS, **REJECTED, profiles_affected=7))
    assert {line.label: line.number for line in text.counts} == {
        "Rows read": "10",
        "Created": "7",
        "Updated": "0",
        "Unchanged": "0",
        "Skipped": "0",
        "Rejected": "3",
        "Profiles affected": "7",
        "Rows read by the fast path": "10",
    }
    assert text.summary == "10 rows read, 3 of them not imported."


def test_rejects_are_counted_by_code_with_its_meaning_the_most_frequent_first() -> None:
    assert describe(run(RunState.COMPLETED_WITH_REJECTS, **REJECTED)).rejects == (
        CodeLine("not_an_email", "2", MESSAGES[RejectCode.NOT_AN_EMAIL]),
        CodeLine("not_a_date", "1", MESSAGES[RejectCode.NOT_A_DATE]),
    )


def test_a_code_of_a_newer_importer_is_shown_without_a_meaning() -> None:
    assert meaning("of_a_newer_version") == ""


def test_the_first_rejects_say_where_and_why() -> None:
    places = tuple(RejectPlace(n, n + 1, "not_an_email", "E-mail") for n in range(1, 30))
    told = describe(run(RunState.COMPLETED_WITH_REJECTS, rejects=places, **REJECTED)).first_rejects
    assert len(told) == FIRST_REJECTS
    assert told[0] == "Record 1 (line 2), field E-mail: not_an_email"


def test_a_reject_without_a_field_names_none() -> None:
    told = describe(run(RunState.COMPLETED_WITH_REJECTS, rejects=(RejectPlace(5, 9, "nul_byte", None),), **REJECTED))
    assert told.first_rejects == ("Record 5 (line 9): nul_byte",)


def test_a_run_that_waits_says_how_to_approve_and_how_to_cancel_it() -> None:
    advice = " ".join(describe(run(RunState.WAITING)).what_to_do)
    assert f"POST /v1/runs/{RUN}/approve" in advice
    assert f"POST /v1/runs/{RUN}/cancel" in advice


def test_a_failed_run_says_why_and_what_to_do_and_how_to_repeat_it() -> None:
    reason = Reason(code="header_changed", detail="Found: a, b.", what_to_do="Mend the header.")
    text = describe(run(RunState.FAILED, reason=reason))
    assert (text.reason_code, text.reason) == ("header_changed", "Found: a, b.")
    assert text.what_to_do[0] == "Mend the header."
    assert f"POST /v1/runs/{RUN}/retry" in text.what_to_do[-1]
    assert text.summary == "Nothing of the file was imported."
    assert text.counts == ()


def test_a_run_with_rejects_says_where_the_rejected_rows_are() -> None:
    text = describe(run(RunState.COMPLETED_WITH_REJECTS, **REJECTED))
    assert f"GET /v1/runs/{RUN}/rejects.csv" in text.what_to_do[0]


@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.COMPLETED_WITH_REJECTS])
def test_a_run_with_rejected_values_says_where_they_are(state: RunState) -> None:
    rejected = REJECTED if state is RunState.COMPLETED_WITH_REJECTS else {}
    text = describe(run(state, values_rejected_by_code={"not_a_date": 2}, **rejected))
    assert any(f"GET /v1/runs/{RUN}/value-rejects.csv" in advice for advice in text.what_to_do)
    assert not any("value-rejects" in advice for advice in describe(run(state, **rejected)).what_to_do)


def test_an_export_tells_the_rows_it_wrote() -> None:
    text = describe(run(is_export=True, rows_exported=1_234))
    assert text.summary == "1,234 rows exported."
    assert [(line.label, line.number) for line in text.counts] == [("Rows exported", "1,234")]


def test_an_export_tells_its_files_and_whom_it_held_back() -> None:
    files = ({"name": "out/all.csv", "rows": 1, "size_bytes": 2_000, "sha256": "ab"},) * 51
    told = {"rows_exported": 1, "profiles_exported": 1, "files": files, "left_out": {"filtered": 2}}
    export = run(is_export=True, held_back={"no_identifier": 3}, **told)
    text = describe(export)
    assert text.summary == "1 row exported, 3 held back."
    assert [(line.code, line.number) for line in (*text.held_back, *text.skipped)] == [
        ("no_identifier", "3"),
        ("filtered", "2"),
    ]
    assert (text.files[0], text.files[-1]) == ("out/all.csv: 1 row, 2,000 bytes, SHA-256 ab", "and 1 more")
    assert not is_problem(export)
    assert is_problem(run(is_export=True, held_back={"not_a_date": 1}, **told))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_subject_is_one_short_line_whatever_goal_and_file_are_called(name: str) -> None:
    subject = describe(run(goal_name=name, file_name=name)).subject
    assert len(subject) <= 200
    assert len(subject.splitlines()) == 1
    assert subject.startswith("Completed: ")


def test_what_became_of_consent_is_told() -> None:
    told = describe(run(opt_ins_withheld={"complained": 1, "unsubscribed": 1_234}, opt_outs_of_rejects=2))
    assert [
        (line.label, line.number) for line in told.counts if line.label.lower().startswith(("opt", "profiles opt"))
    ] == [
        ("Opt-ins withheld from complained profiles", "1"),
        ("Opt-ins withheld from unsubscribed profiles", "1,234"),
        ("Profiles opted out by rejected rows", "2"),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_wrote_is_bounded_and_on_one_line_everywhere(text: str) -> None:
    reason = Reason(code=text, detail=text, what_to_do=text)
    told = describe(
        run(
            RunState.COMPLETED_WITH_REJECTS,
            reason=reason,
            warnings=(reason,) * 100,
            rejects=(RejectPlace(1, 2, text, text),),
            rows_read=1,
            created=0,
            rejected=1,
            rejects_by_code={text: 1},
            values_rejected_by_code={text: 1},
            rows_by_path={text: 1},
            opt_ins_withheld={text: 1},
            file=FileFacts(name=text, size_bytes=1, sha256=text),
        )
    )
    lines = [
        told.reason,
        told.reason_code,
        *told.what_to_do,
        *told.first_rejects,
        *told.warnings,
        *(part for line in (*told.rejects, *told.values_rejected) for part in (line.code, line.meaning)),
        *(part for line in (*told.counts, *told.facts) for part in (line.label, line.number)),
    ]
    assert all(len(f"{line}x".splitlines()) == 1 and len(line) <= 2_100 for line in lines)


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        (RunState.COMPLETED, {}, False),
        (RunState.COMPLETED, {"warnings": (Reason(code="no_rows"),)}, True),
        (RunState.COMPLETED, {"values_rejected_by_code": {"too_precise": 1}}, True),
        (RunState.COMPLETED_WITH_REJECTS, REJECTED, True),
        (RunState.FAILED, {}, True),
        (RunState.WAITING, {}, True),
        (RunState.SKIPPED, {}, False),
        (RunState.CANCELLED, {}, False),
        (RunState.UNDONE, {}, False),
    ],
)
def test_what_is_a_problem(state: RunState, facts: dict[str, object], expected: bool) -> None:
    assert is_problem(run(state, **facts)) is expected


def test_it_tells_who_was_put_on_which_list() -> None:
    listed = ListCounts(id=RUN, number=7, name="Fans\u2028Bcc", added=1_200, already=3)
    counts = {line.label: line.number for line in describe(run(lists=(listed,))).counts}
    assert counts["Put on Fans Bcc"] == "1,200 (and 3 on it already)"


def test_a_run_over_a_guard_says_what_it_would_do_and_how_to_approve_it() -> None:
    reason = Reason(code="absent_over_guard", detail="40 of 100 are absent.", what_to_do="See whether it is whole.")
    absent = AbsentCounts(looked_at=100, found=40, removed=40)
    text = describe(run(RunState.WAITING, rows_read=60, unchanged=60, reason=reason, absent=absent))
    counts = {line.label: line.number for line in text.counts}
    assert (counts["Unchanged"], counts["Absent from the file"], counts["Taken off the list"]) == ("60", "40", "40")
    assert "Unsubscribed" not in counts
    assert text.what_to_do[0] == "See whether it is whole."
    assert any(f"/v1/runs/{RUN}/approve" in line for line in text.what_to_do)
