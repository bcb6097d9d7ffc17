"""Whether an export's files can be packed, encrypted and named as its goal says. Asked by export_checks.py. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from shared.domain.export_goal import ExportGoal, delivered_names
from shared.domain.export_names import MAX_SEGMENT_BYTES, NUMBER, SEGMENT
from shared.domain.names import MAX_NAME_BYTES, MAX_PATH_BYTES, joined
from shared.domain.openpgp_key import KeyUse
from shared.domain.packing import MOST_PIECES, PREVIOUS
from shared.processing.goal_flaws import Flaw, Surroundings
from shared.processing.key_checks import key_flaws

_A_MOMENT = datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def delivery_flaws(goal: ExportGoal, around: Surroundings, parts: Sequence[str] = ()) -> Iterator[Flaw]:
    """What is wrong with the names, the keys and the password of an export with these parts beside the main file."""
    yield from _name_flaws(goal, ("", *parts))
    for number, fingerprint in enumerate(goal.encrypt_to):
        yield from key_flaws(f"/encrypt_to/{number}", fingerprint, KeyUse.ENCRYPT, around)
    if goal.sign_with is not None:
        yield from key_flaws("/sign_with", goal.sign_with, KeyUse.SIGN, around)
        if not goal.encrypt_to:
            detail = (
                "Found it without encrypt_to; expected the keys of those who get the files. Nothing is only signed."
            )
            yield Flaw("/sign_with", "encrypt_to_missing", detail)
    locked = goal.packing.password_id
    if locked is not None:
        known = around.openpgp_keys.get(str(locked))
        if known is None or known.kind != "password":
            detail = f"The account has no password {locked}; store it with POST /v1/openpgp-keys."
            yield Flaw("/packing/password_id", "unknown_password", detail)


def _name_flaws(goal: ExportGoal, parts: Sequence[str]) -> Iterator[Flaw]:
    if NUMBER in goal.target.file_name and goal.split is None:
        detail = f"Found {NUMBER} without split; nothing has a number that is not split."
        yield Flaw("/target/file_name", "number_needs_split", detail)
    if SEGMENT in goal.target.file_name and goal.named_after is None:
        detail = f"Found {SEGMENT} in the name for a goal that is about no segment; expected another name, or segment."
        yield Flaw("/target/file_name", "segment_not_said", detail)
    names = delivered_names(goal, _A_MOMENT, pieces=MOST_PIECES, segment="s" * MAX_SEGMENT_BYTES, parts=parts)
    most = max(len(each.encode()) for each in names) + len(PREVIOUS)
    path = len(joined(goal.target.directory, "").encode()) + most
    if most > MAX_NAME_BYTES or path > MAX_PATH_BYTES:
        detail = (
            f"Found a name of {most} bytes and a path of {path} with what may be put behind; expected at most "
            f"{MAX_NAME_BYTES} and {MAX_PATH_BYTES}."
        )
        yield Flaw("/target/file_name", "name_too_long", detail)
