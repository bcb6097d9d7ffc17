"""What a look means, case by case: a listing, what the ledger knows, the goals; and what comes of each file."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.poller.spot import Look, Seen, Spotted, spot
from shared.domain.afterwards import AfterDone, AfterFailed, Afterwards
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.goal import ImportGoal, Source
from shared.domain.pattern import Pattern
from shared.domain.readiness import Readiness
from shared.storage.arrivals import Explained, Known
from tests.builders import import_goal

BEGAN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ENDED = BEGAN + timedelta(seconds=1)
LONG_AGO = BEGAN - timedelta(hours=1)
LOOK = Look(BEGAN, ENDED)
GOAL, OTHER_GOAL, UPLOAD, LATER_UPLOAD = (uuid4() for _ in range(4))

ACCEPTED, WAITING, UNMATCHED, SETTLED = (
    ArrivalState.ACCEPTED,
    ArrivalState.WAITING,
    ArrivalState.UNMATCHED,
    ArrivalState.SETTLED,
)


def goal(
    wildcard: str = "contacts_*.csv",
    *,
    strategy: str = "stable",
    age: int = 30,
    afterwards: Afterwards | None = None,
    expression: str | None = None,
) -> ImportGoal:
    """A goal that watches `in`."""
    source = Source(
        directory="in",
        pattern=Pattern(regular_expression=expression) if expression else Pattern(wildcard=wildcard),
        readiness=Readiness.model_validate({"strategy": strategy, "minimum_age_seconds": age}),
        afterwards=afterwards or Afterwards(),
    )
    return import_goal().model_copy(update={"source": source})


def stamp(path: str = "in/contacts_1.csv", size: int = 10, minute: int = 0) -> FileStamp:
    """A file of a listing."""
    return FileStamp(path=path, size_bytes=size, modified_at=LONG_AGO + timedelta(minutes=minute))


def known(
    file: FileStamp | None = None,
    state: ArrivalState = WAITING,
    *,
    upload_id: UUID | None = None,
    seen_at: datetime = LONG_AGO,
    stamped_at: datetime = LONG_AGO,
    vanished_at: datetime | None = None,
    code: str = "still_growing",
    detail: str | None = None,
) -> Known:
    """What the ledger has of a file."""
    why = Explained(state, code, detail)
    return Known(uuid4(), file or stamp(), upload_id, seen_at, stamped_at, vanished_at, why)


def told(found: Spotted) -> list[tuple[str, str | None, int]]:
    """What was found, by the list that it stands in: with the code that explains it, and how many goals take it."""
    rows: list[tuple[str, str | None, int]] = []
    rows += [(f"new {new.explained.state.value}", new.explained.code, len(new.goals)) for new in found.new]
    rows += [("grown", explained.code, 0) for _, _, explained in found.grown]
    rows += [("complete", None, len(takers)) for _, _, takers in found.complete]
    rows += [(f"explained {explained.state.value}", explained.code, 0) for _, explained in found.explained]
    rows += [("uploaded", None, 0) for _ in found.uploaded]
    return rows + [("vanished", None, 0) for _ in found.vanished]


STABLE: Mapping[UUID, ImportGoal] = {GOAL: goal()}
BY_RENAME: Mapping[UUID, ImportGoal] = {GOAL: goal(strategy="rename")}
HOSTED: Mapping[UUID, ImportGoal] = {GOAL: goal(strategy="closed")}
GREEDY: Mapping[UUID, ImportGoal] = {GOAL: goal(), OTHER_GOAL: goal("*.csv", age=7_200)}
EAGER: Mapping[UUID, ImportGoal] = {GOAL: goal(), OTHER_GOAL: goal("*.csv", age=60)}

_DEEP = goal(strategy="rename", afterwards=Afterwards(failed=AfterFailed(move_to="in/failed")))
DEEP: Mapping[UUID, ImportGoal] = {
    GOAL: _DEEP.model_copy(update={"source": _DEEP.source.model_copy(update={"subdirectories": 1})})
}

CASES = {
    "a new file waits for a second look": (
        [Seen(stamp())],
        [],
        STABLE,
        [("new waiting", "still_growing", 0)],
    ),
    "a file that held still long enough is complete": (
        [Seen(stamp())],
        [known()],
        STABLE,
        [("complete", None, 1)],
    ),
    "a file that held still, but not long enough, waits": (
        [Seen(stamp())],
        [known(stamped_at=BEGAN - timedelta(seconds=20))],
        STABLE,
        [("explained waiting", "still_growing", 0)],
    ),
    "a file that grew starts to wait anew": (
        [Seen(stamp(size=20))],
        [known()],
        STABLE,
        [("grown", "still_growing", 0)],
    ),
    "a file of the same size with a later time starts to wait anew": (
        [Seen(stamp(minute=1))],
        [known()],
        STABLE,
        [("grown", "still_growing", 0)],
    ),
    "a file under its final name is complete at once where senders rename": (
        [Seen(stamp())],
        [],
        BY_RENAME,
        [("new accepted", None, 1)],
    ),
    "an accepted file that lies there unchanged is nothing new": ([Seen(stamp())], [known(state=ACCEPTED)], STABLE, []),
    "a settled file that was left is nothing new": ([Seen(stamp())], [known(state=SETTLED)], STABLE, []),
    "another file under an accepted one's name is a new arrival, and the old one has gone": (
        [Seen(stamp(size=20))],
        [known(state=ACCEPTED)],
        STABLE,
        [("new waiting", "still_growing", 0), ("vanished", None, 0)],
    ),
    "a file of a directory that was not listed has not": ([], [known(stamp("out/contacts_1.csv"))], STABLE, []),
    "an arrival that was made after the listing began has not": (
        [],
        [known(seen_at=BEGAN + timedelta(milliseconds=1))],
        STABLE,
        [],
    ),
    "a file that left while we looked is judged by the next look": (
        [Seen(stamp())],
        [known(state=SETTLED, vanished_at=BEGAN + timedelta(milliseconds=1))],
        STABLE,
        [],
    ),
    "a file that came back under the name of one that left while we looked is compared with itself": (
        [Seen(stamp(size=20))],
        [
            known(state=SETTLED, vanished_at=BEGAN + timedelta(milliseconds=1)),
            known(stamp(size=20), ACCEPTED, seen_at=BEGAN + timedelta(milliseconds=2)),
        ],
        STABLE,
        [],
    ),
    "a file that no pattern takes is unmatched": (
        [Seen(stamp("in/contcats_1.csv"))],
        [],
        STABLE,
        [("new unmatched", "unmatched", 0)],
    ),
    "an unmatched file is told again, should its reason change": (
        [Seen(stamp("in/contcats_1.csv"))],
        [known(stamp("in/contcats_1.csv"), UNMATCHED)],
        STABLE,
        [("explained unmatched", "unmatched", 0)],
    ),
    "an unmatched file is complete when a goal is added that takes it": (
        [Seen(stamp())],
        [known(state=UNMATCHED)],
        STABLE,
        [("complete", None, 1)],
    ),
    "a waiting file is unmatched when its goal is switched off": (
        [Seen(stamp())],
        [known()],
        {},
        [("explained unmatched", "unmatched", 0)],
    ),
    "an unmatched file that grew is restamped": (
        [Seen(stamp("in/contcats_1.csv", size=20))],
        [known(stamp("in/contcats_1.csv"), UNMATCHED)],
        STABLE,
        [("grown", "unmatched", 0)],
    ),
    "a temporary name waits for its rename": (
        [Seen(stamp("in/contacts_1.csv.part"))],
        [],
        STABLE,
        [("new waiting", "temporary_name", 0)],
    ),
    "a name that cannot be taken is told": (
        [Seen(stamp("in/contacts_%00.csv"), refused="found a control character")],
        [],
        STABLE,
        [("new unmatched", "name_refused", 0)],
    ),
    "what is no file is told, though a goal would take its name": (
        [Seen(stamp(), refused="it is a symbolic link", is_name=False)],
        [],
        STABLE,
        [("new unmatched", "not_a_file", 0)],
    ),
    "a directory that a goal would take is told": (
        [Seen(stamp(), is_directory=True)],
        [],
        STABLE,
        [("new unmatched", "not_a_file", 0)],
    ),
    "it is told once": (
        [Seen(stamp(), is_directory=True)],
        [known(None, UNMATCHED, code="not_a_file", detail="it is a directory, not a regular file")],
        STABLE,
        [],
    ),
    "another directory is none of our business": ([Seen(stamp("in/done"), is_directory=True)], [], STABLE, []),
    "a directory in the place of a file that waited is told": (
        [Seen(stamp(size=0), is_directory=True)],
        [known()],
        STABLE,
        [("grown", "not_a_file", 0)],
    ),
    "a directory in the place of a file that was taken is told": (
        [Seen(stamp(size=0), is_directory=True)],
        [known(state=ACCEPTED)],
        STABLE,
        [("new unmatched", "not_a_file", 0), ("vanished", None, 0)],
    ),
    "a directory in the place of a file, that nobody waits for, is no file": (
        [Seen(stamp("in/done"), is_directory=True)],
        [known(stamp("in/done"), UNMATCHED)],
        STABLE,
        [("vanished", None, 0)],
    ),
    "a subdirectory that is watched may have any name": ([Seen(stamp(), is_directory=True)], [], DEEP, []),
    "a file in a subdirectory is taken where that is asked": (
        [Seen(stamp("in/a/contacts_1.csv"))],
        [],
        DEEP,
        [("new accepted", None, 1)],
    ),
    "a file below the levels that are watched is nobody's": (
        [Seen(stamp("in/a/b/contacts_1.csv"))],
        [],
        DEEP,
        [("new unmatched", "unmatched", 0)],
    ),
    "a file that was moved from a subdirectory is our own": ([Seen(stamp("in/failed/a/contacts_1.csv"))], [], DEEP, []),
    "our own mark is passed over": ([Seen(stamp("in/contacts_1.csv.done"))], [], STABLE, []),
    "our own numbered mark is passed over": ([Seen(stamp("in/contacts_1.csv.done.7"))], [], STABLE, []),
    "two goals on one folder both get the file": (
        [Seen(stamp())],
        [known()],
        EAGER,
        [("complete", None, 2)],
    ),
    "the most careful of two goals decides when": (
        [Seen(stamp())],
        [known()],
        GREEDY,
        [("explained waiting", "still_growing", 0)],
    ),
    "an upload that was closed is complete at once": (
        [Seen(stamp(), UPLOAD, "closed")],
        [],
        HOSTED,
        [("new accepted", None, 1)],
    ),
    "an open upload waits": ([Seen(stamp(), UPLOAD, "open")], [], HOSTED, [("new waiting", "upload_open", 0)]),
    "a broken upload is never complete": (
        [Seen(stamp(), UPLOAD, "broken")],
        [known(upload_id=UPLOAD)],
        HOSTED,
        [("explained waiting", "upload_broken_off", 0)],
    ),
    "an upload that was open and is closed now is complete with its last size": (
        [Seen(stamp(size=20), UPLOAD, "closed")],
        [known(upload_id=UPLOAD)],
        HOSTED,
        [("grown", None, 0), ("complete", None, 1)],
    ),
    "another time of the same upload changes nothing": (
        [Seen(stamp(minute=5), UPLOAD, "closed")],
        [known(state=ACCEPTED, upload_id=UPLOAD)],
        HOSTED,
        [],
    ),
    "another upload of the same size and time is a new arrival": (
        [Seen(stamp(), LATER_UPLOAD, "closed")],
        [known(state=ACCEPTED, upload_id=UPLOAD)],
        HOSTED,
        [("new accepted", None, 1), ("vanished", None, 0)],
    ),
    "a file that was listed before its upload was told is that of the upload": (
        [Seen(stamp())],
        [known(state=ACCEPTED, upload_id=UPLOAD)],
        HOSTED,
        [],
    ),
    "an upload that is told of a file that was taken already is that file's": (
        [Seen(stamp(), UPLOAD, "closed")],
        [known(state=ACCEPTED)],
        HOSTED,
        [("uploaded", None, 0)],
    ),
    "an upload that is told of a file that waits completes it": (
        [Seen(stamp(), UPLOAD, "closed")],
        [known()],
        HOSTED,
        [("grown", None, 0), ("complete", None, 1)],
    ),
    "an upload that is under way over a file that was taken is another one": (
        [Seen(stamp(), UPLOAD, "open")],
        [known(state=ACCEPTED)],
        HOSTED,
        [("new waiting", "upload_open", 0), ("vanished", None, 0)],
    ),
    "another file without an upload is a new arrival": (
        [Seen(stamp(size=20))],
        [known(state=ACCEPTED, upload_id=UPLOAD)],
        HOSTED,
        [("new waiting", "still_growing", 0), ("vanished", None, 0)],
    ),
    "a file that came to a hosted folder without an upload must hold still": (
        [Seen(stamp())],
        [],
        HOSTED,
        [("new waiting", "still_growing", 0)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_look_means(case: str) -> None:
    seen, before, goals, expected = CASES[case]
    assert told(spot(seen, before, goals, LOOK)) == expected


def test_the_nearest_pattern_is_named() -> None:
    goals = {GOAL: goal("orders_*.txt"), OTHER_GOAL: goal("contacts_*.csv")}
    (new,) = spot([Seen(stamp("in/contcats_1.csv"))], [], goals, LOOK).new
    assert new.explained.detail is not None
    assert "contacts_*.csv" in new.explained.detail


def test_the_nearest_pattern_is_named_among_expressions_too() -> None:
    goals = {GOAL: goal("orders_*.txt"), OTHER_GOAL: goal(expression=r"contacts_\d+\.csv")}
    spotted = spot([Seen(stamp("in/contacts_x.csv")), Seen(stamp("in/contacts_12.csv"))], [known()], goals, LOOK)
    unmatched, taken = spotted.new
    assert (unmatched.explained.detail, taken.explained.code) == (
        r"The nearest pattern is contacts_\d+\.csv.",
        "still_growing",
    )


def test_a_file_in_the_place_for_failed_ones_is_our_own() -> None:
    afterwards = Afterwards(done=AfterDone(move_to="kept"), failed=AfterFailed(move_to="failed"))
    goals = {GOAL: goal(afterwards=afterwards)}
    seen = [Seen(stamp("failed/contacts_1.csv")), Seen(stamp("kept/contacts_1.csv"))]
    assert told(spot(seen, [], goals, LOOK)) == []


def test_a_failed_file_that_was_renamed_is_our_own() -> None:
    renamed = Afterwards(failed=AfterFailed(rename_suffix=".failed"))
    seen = [Seen(stamp("in/contacts_1.csv.failed")), Seen(stamp("in/contacts_1.csv.failed.2"))]
    assert told(spot(seen, [], {GOAL: goal("*", afterwards=renamed)}, LOOK)) == []
    assert len(told(spot(seen, [], {GOAL: goal("*")}, LOOK))) == 2


def test_an_unmatched_file_is_restamped_as_unmatched() -> None:
    path = "in/contcats_1.csv"
    ((_, _, explained),) = spot([Seen(stamp(path, size=20))], [known(stamp(path), UNMATCHED)], STABLE, LOOK).grown
    assert explained.state is UNMATCHED
