"""What a mail says about a run: pure, from the receipt to the lines that people read.

No value of a row ever stands here: of a reject its place, its field and its code are told. Everything that a partner
or a customer has named goes through `shown`.
"""

from dataclasses import dataclass
from datetime import datetime

from services.notifier.shown import shown
from shared.domain.receipt import Receipt
from shared.domain.reject import MESSAGES, RejectCode
from shared.domain.run import Reason, RunState
from shared.storage.mails import RejectPlace

FIRST_REJECTS = 10
GOAL_NAME_CHARACTERS = 60
FILE_NAME_CHARACTERS = 80
FIELD_CHARACTERS = 80
LIST_NAME_CHARACTERS = 60
REASON_CHARACTERS = 1_000
WARNINGS = 20
CODES = 50
FILES = 50

OUTCOMES: dict[RunState, str] = {
    RunState.COMPLETED: "Completed",
    RunState.COMPLETED_WITH_REJECTS: "Completed with rejects",
    RunState.FAILED: "Failed",
    RunState.SKIPPED: "Skipped",
    RunState.CANCELLED: "Cancelled",
    RunState.UNDONE: "Undone",
    RunState.WAITING: "Waits for approval",
}
"""What the subject says. A run in another state has nothing to be told about."""

_TOOK_EFFECT = frozenset({RunState.COMPLETED, RunState.COMPLETED_WITH_REJECTS})


@dataclass(frozen=True, slots=True)
class TellableRun:
    """A run that ended or waits for a person, as the ledger has it."""

    is_export: bool
    state: RunState
    goal_name: str
    file_name: str | None
    receipt: Receipt
    rejects: tuple[RejectPlace, ...] = ()
    is_one_shot: bool = False
    """Whether a request named the file: there is no folder to drop another one into, and no retry."""


@dataclass(frozen=True, slots=True)
class CountLine:
    """A label and a number, both ready to be read."""

    label: str
    number: str


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A code, how often it happened, and what it means."""

    code: str
    number: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ReceiptText:
    """All that a mail about a run says, line by line."""

    subject: str
    outcome: str
    summary: str
    goal_name: str
    file_name: str
    reason: str
    reason_code: str
    what_to_do: tuple[str, ...]
    counts: tuple[CountLine, ...]
    skipped: tuple[CodeLine, ...]
    held_back: tuple[CodeLine, ...]
    files: tuple[str, ...]
    rejects: tuple[CodeLine, ...]
    values_rejected: tuple[CodeLine, ...]
    first_rejects: tuple[str, ...]
    warnings: tuple[str, ...]
    facts: tuple[CountLine, ...]


def describe(run: TellableRun) -> ReceiptText:
    """What the mail about a run says. Raises KeyError for a state in which there is nothing to tell."""
    receipt = run.receipt
    outcome = OUTCOMES[run.state]
    goal_name = shown(run.goal_name, GOAL_NAME_CHARACTERS)
    file_name = shown((run.file_name or "").rpartition("/")[2], FILE_NAME_CHARACTERS)
    reason = receipt.reason or Reason(code="")
    return ReceiptText(
        subject=f"{outcome}: {goal_name}, {file_name}" if file_name else f"{outcome}: {goal_name}",
        outcome=outcome,
        summary=_summary(run),
        goal_name=goal_name,
        file_name=file_name,
        reason=shown(reason.detail, REASON_CHARACTERS),
        reason_code=shown(reason.code, FIELD_CHARACTERS),
        what_to_do=_what_to_do(run, reason),
        counts=_counts(run),
        skipped=_by_code(receipt.left_out if run.is_export else receipt.skipped_by_reason),
        held_back=_by_code(receipt.held_back),
        files=_files(receipt),
        rejects=_by_code(receipt.rejects_by_code),
        values_rejected=_by_code(receipt.values_rejected_by_code),
        first_rejects=tuple(_place(reject) for reject in run.rejects[:FIRST_REJECTS]),
        warnings=tuple(_sentence(warning) for warning in receipt.warnings[:WARNINGS]),
        facts=_facts(receipt),
    )


def is_problem(run: TellableRun) -> bool:
    """Whether who asked for problems only is told.

    A completed run with warnings, rejected values or rows that a processor could not work on is a problem. A skipped
    one is not, because the goal says that such a file be skipped, nor a cancelled one, because a person cancelled it.
    """
    if run.state in (RunState.FAILED, RunState.COMPLETED_WITH_REJECTS, RunState.WAITING):
        return True
    receipt = run.receipt
    # Who has no identifier is held back as the goal says; nobody says that a processor should fail.
    are_lost = bool(receipt.held_back.keys() - {RejectCode.NO_IDENTIFIER.value})
    return run.state is RunState.COMPLETED and bool(receipt.warnings or receipt.values_rejected_by_code or are_lost)


def _summary(run: TellableRun) -> str:
    receipt = run.receipt
    if run.state is RunState.WAITING:
        return "The run waits until a person approves or cancels it. Nothing has been imported yet."
    if run.state is RunState.UNDONE:
        return "What the run had imported was taken back."
    if run.state not in _TOOK_EFFECT:
        return "No file was delivered." if run.is_export else "Nothing of the file was imported."
    if run.is_export:
        exported = f"{_rows(receipt.rows_exported or 0)} exported"
        held_back = sum(receipt.held_back.values())
        return f"{exported}, {held_back:,} held back." if held_back else f"{exported}."
    if receipt.rejected:
        return f"{_rows(receipt.rows_read)} read, {receipt.rejected:,} of them not imported."
    return f"{_rows(receipt.rows_read)} read, none rejected."


def _what_to_do(run: TellableRun, reason: Reason) -> tuple[str, ...]:
    state, receipt = run.state, run.receipt
    run_id = receipt.run_id
    back = "put it onto the server, and import it by another request" if run.is_one_shot else _DROP_IT
    given = shown(reason.what_to_do, REASON_CHARACTERS)
    advice = [given] if given else []
    if state is RunState.COMPLETED_WITH_REJECTS:
        advice.append(f"Get the rejected rows with GET /v1/runs/{run_id}/rejects.csv.")
        advice.append(f"Mend them in that file and {back}: it holds only these rows.")
    elif state is RunState.WAITING:
        advice.append(f"To import the file, approve the run with POST /v1/runs/{run_id}/approve.")
        advice.append(f"To leave it out, cancel the run with POST /v1/runs/{run_id}/cancel.")
    elif run.is_one_shot:
        pass  # What helps stands in the reason.
    elif state is RunState.FAILED:
        advice.append(f"Once the cause is mended, repeat the run with POST /v1/runs/{run_id}/retry.")
    elif state is RunState.CANCELLED:
        advice.append(f"To carry it out nevertheless, repeat the run with POST /v1/runs/{run_id}/retry.")
    if state in _TOOK_EFFECT and receipt.values_rejected_by_code:
        advice.append(f"Get the rejected values with GET /v1/runs/{run_id}/value-rejects.csv.")
        advice.append(f"Mend them there and {back}: nothing else of these rows is in that file.")
    return tuple(advice)


_DROP_IT = "drop it into the same folder"


def _counts(run: TellableRun) -> tuple[CountLine, ...]:
    receipt = run.receipt
    if run.is_export:
        exported = {"Rows exported": receipt.rows_exported, "Profiles": receipt.profiles_exported}
        return tuple(CountLine(label, f"{number:,}") for label, number in exported.items() if number is not None)
    if receipt.rows_read == 0 and run.state not in _TOOK_EFFECT:
        return ()
    numbers = {
        "Rows read": receipt.rows_read,
        "Created": receipt.created,
        "Updated": receipt.updated,
        "Unchanged": receipt.unchanged,
        "Skipped": receipt.skipped,
        "Rejected": receipt.rejected,
        "Profiles affected": receipt.profiles_affected,
    }
    paths = {
        f"Rows read by the {shown(path, FIELD_CHARACTERS)} path": rows
        for path, rows in receipt.rows_by_path.items()
        if rows
    }
    withheld = {
        f"Opt-ins withheld from {shown(suppression, FIELD_CHARACTERS)} profiles": profiles
        for suppression, profiles in receipt.opt_ins_withheld.items()
        if profiles
    }
    if receipt.opt_outs_of_rejects:
        withheld["Profiles opted out by rejected rows"] = receipt.opt_outs_of_rejects
    withheld |= _of_events(receipt)
    counted = {label: f"{number:,}" for label, number in (numbers | paths | withheld | _absent(receipt)).items()}
    listed = {
        f"Put on {shown(each.name, LIST_NAME_CHARACTERS)}": f"{each.added:,} (and {each.already:,} on it already)"
        for each in receipt.lists
    }
    return tuple(CountLine(label, number) for label, number in (counted | listed).items())


def _of_events(receipt: Receipt) -> dict[str, int]:
    told = {"Events affected": receipt.events_affected, "Items affected": receipt.items_affected}
    told |= {f"Profiles now {shown(why, FIELD_CHARACTERS)}": number for why, number in receipt.suppressed.items()}
    return {label: number for label, number in told.items() if number}


def _absent(receipt: Receipt) -> dict[str, int]:
    counts = receipt.absent
    if counts is None:
        return {}
    became = {"Taken off the list": counts.removed, "Unsubscribed": counts.unsubscribed}
    return {"Absent from the file": counts.found} | {label: number for label, number in became.items() if number}


def _by_code(numbers: dict[str, int]) -> tuple[CodeLine, ...]:
    most_first = sorted(numbers.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(
        CodeLine(shown(code, FIELD_CHARACTERS), f"{number:,}", meaning(code))
        for code, number in most_first[:CODES]
        if number
    )


def meaning(code: str) -> str:
    """What a reject's code means; nothing for a code that this version does not know."""
    known = {str(each): each for each in RejectCode}.get(code)
    return MESSAGES[known] if known is not None else ""


def _place(reject: RejectPlace) -> str:
    field = f", field {shown(reject.field, FIELD_CHARACTERS)}" if reject.field else ""
    code = shown(reject.code, FIELD_CHARACTERS)
    return f"Record {reject.record_number:,} (line {reject.line_number:,}){field}: {code}"


def _sentence(reason: Reason) -> str:
    parts = (reason.detail or reason.code, reason.what_to_do)
    return " ".join(shown(part, REASON_CHARACTERS) for part in parts if part)


def _facts(receipt: Receipt) -> tuple[CountLine, ...]:
    facts = [("Run", str(receipt.run_id)), ("Goal", f"{receipt.goal_id}, version {receipt.goal_version}")]
    if receipt.replay:
        facts.append(("Run again on request, time", str(receipt.replay)))
    if receipt.mends is not None:
        facts.append(("Mends the rejects of run", str(receipt.mends)))
    if receipt.file is not None:
        facts.append(("File size", f"{receipt.file.size_bytes:,} bytes"))
        if receipt.file.first_row is not None:
            facts.append(("First row was taken for", _FIRST_ROWS[receipt.file.first_row]))
        if receipt.file.sha256:
            facts.append(("SHA-256", shown(receipt.file.sha256, FIELD_CHARACTERS)))
    facts.append(("Queued", _time(receipt.queued_at)))
    if receipt.started_at is not None:
        facts.append(("Started", _time(receipt.started_at)))
    if receipt.finished_at is not None:
        facts.append(("Finished", _time(receipt.finished_at)))
    return tuple(CountLine(label, value) for label, value in facts)


_FIRST_ROWS = {"header": "the header: its e-mail column holds no valid address", "data": "data, like all others"}


def _files(receipt: Receipt) -> tuple[str, ...]:
    """What was delivered, a line a file."""
    lines = [
        f"{shown(each.name, FILE_NAME_CHARACTERS)}: {_rows(each.rows)}, {each.size_bytes:,} bytes, "
        f"SHA-256 {shown(each.sha256, FIELD_CHARACTERS)}"
        for each in receipt.files[:FILES]
    ]
    more = len(receipt.files) - FILES
    return tuple([*lines, f"and {more:,} more"] if more > 0 else lines)


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z")
