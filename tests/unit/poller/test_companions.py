"""Files that other files say are complete: what a look makes of markers, checksums and manifests, case by case."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from services.poller.companions import Beside, _by_name, _checksums, _files, _in_turn, _is_to_be_judged, _named, _turn
from services.poller.spot import Look, Seen, Spotted, spot
from shared.domain.announced import Entry
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.goal import ImportGoal
from shared.domain.pattern import Pattern
from shared.domain.readiness import Readiness, beside, stands_for
from shared.storage.arrivals import Explained, Known
from shared.transfer.readiness import Around
from tests.builders import import_goal

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
GOAL = uuid4()
A, B = "a" * 64, "b" * 64
UPLOAD = uuid4()


def goal(*strategy: str, **more: Any) -> ImportGoal:
    readiness = {"strategy": strategy, "minimum_age_seconds": 60, **more}
    source = {"pattern": {"wildcard": "*.csv"}, "readiness": readiness}
    plain = import_goal()
    return plain.model_copy(update={"source": type(plain.source).model_validate(source)})


def file(path: str, minute: int = 0, size: int = 10) -> FileStamp:
    """One that was modified so many minutes before noon."""
    return FileStamp(path, size, NOON - timedelta(minutes=minute))


def looked(
    goal: ImportGoal,
    files: list[FileStamp],
    said: Mapping[str, Mapping[str, Entry] | str] | None = None,
    *,
    known: list[Known] | None = None,
    taken: Mapping[str, frozenset[str]] | None = None,
    held: Explained | None = None,
) -> Spotted:
    """What comes of files that are all there."""
    return looked_for({GOAL: goal}, files, said, known=known, taken=taken, held=held)


def looked_for(
    goals: Mapping[UUID, ImportGoal],
    files: list[FileStamp],
    said: Mapping[str, Mapping[str, Entry] | str] | None = None,
    *,
    known: list[Known] | None = None,
    taken: Mapping[str, frozenset[str]] | None = None,
    held: Explained | None = None,
    reads_later: bool = False,
) -> Spotted:
    """The same, of several goals; and where manifests are to be read yet."""
    by_path = {each.path: each for each in files}
    names = _by_name(goals, by_path)
    manifests = frozenset(names.manifests)
    unread = manifests if reads_later else ()
    around = Around.of(by_path, said or {}, [path for path in said or {} if path in manifests], taken or {}, unread)
    counts = {path: len(of) for path, of in names.awaited.items()}
    files_too = _files(goals, names.companions)
    found = Beside(around, names.companions, files_too, frozenset(names.awaited), manifests, counts)
    look = Look(NOON, NOON, beside=found, held={} if held is None else {GOAL: held})
    return spot([Seen(each) for each in files], known or [], goals, look)


def told(found: Spotted) -> dict[str, str | None]:
    """By path why a file waits; None for one that is taken."""
    new = {each.seen.file.path: each.explained.code for each in found.new}
    complete = {known.file.path: None for known, _, _ in found.complete}
    return new | complete | {known.file.path: explained.code for known, explained in found.explained}


def waiting(stamp: FileStamp, minutes: int = 90, code: str = "still_growing", overdue: bool = False) -> Known:
    since = NOON - timedelta(minutes=minutes)
    why = Explained(ArrivalState.WAITING, code)
    return Known(uuid4(), stamp, None, since, since, None, why, since if overdue else None)


X, Y = file("x.csv", 10), file("y.csv", 10)
OK, SUM = file("x.csv.ok", 5), file("x.csv.sha256", 5)
LIST = file("all.manifest.json", 5)
BOTH = {LIST.path: {"x.csv": Entry(10, A), "y.csv": Entry(10)}}
MARKER, CHECKSUM, MANIFEST = goal("marker"), goal("checksum"), goal("manifest")

SAID = {SUM.path: {"x.csv": Entry(None, A)}}

CASES: dict[str, tuple[Spotted, dict[str, str | None]]] = {
    "a marker that is missing": (looked(MARKER, [X]), {"x.csv": "marker_missing"}),
    "a marker that is there": (looked(MARKER, [X, OK]), {"x.csv": None}),
    "a marker of an earlier version": (looked(MARKER, [X, file("x.csv.ok", 20)]), {"x.csv": "marker_outdated"}),
    "a marker of the same second": (looked(MARKER, [X, file("x.csv.ok", 10)]), {"x.csv": None}),
    "a marker without a file": (looked(MARKER, [OK]), {"x.csv.ok": "companion"}),
    "a marker by the stem": (looked(goal("marker", marker="{stem}.done"), [X, file("x.done")]), {"x.csv": None}),
    "another's marker is a file": (looked(MARKER, [file("x.txt.ok")]), {"x.txt.ok": "unmatched"}),
    "a checksum that is missing": (looked(CHECKSUM, [X]), {"x.csv": "checksum_missing"}),
    "a checksum that was not read": (looked(CHECKSUM, [X, SUM]), {"x.csv": "checksum_unread"}),
    "a checksum that cannot be read": (looked(CHECKSUM, [X, SUM], {SUM.path: "no"}), {"x.csv": "checksum_unreadable"}),
    "a checksum that was read for another file": (
        looked(CHECKSUM, [X, SUM], {SUM.path: {"y.csv": Entry(None, A)}}),
        {"x.csv": "checksum_unreadable"},
    ),
    "a checksum that came after its file": (
        looked(CHECKSUM, [X, SUM], {SUM.path: {"x.csv": Entry(None, A)}}),
        {"x.csv": None},
    ),
    "a checksum that came before its file, which must hold still": (
        looked(CHECKSUM, [X, file("x.csv.sha256", 20)], {SUM.path: {"x.csv": Entry(None, A)}}),
        {"x.csv": "still_growing"},
    ),
    "the same, once it has": (
        looked(CHECKSUM, [X, file("x.csv.sha256", 20)], {SUM.path: {"x.csv": Entry(None, A)}}, known=[waiting(X)]),
        {"x.csv": None},
    ),
    "a manifest that is missing": (looked(MANIFEST, [X]), {"x.csv": "manifest_missing"}),
    "a manifest with all its files": (
        looked(MANIFEST, [X, Y, LIST], BOTH),
        {"x.csv": None, "y.csv": None, LIST.path: "companion"},
    ),
    "a manifest with one missing": (
        looked(MANIFEST, [X, LIST], BOTH),
        {"x.csv": "manifest_incomplete", LIST.path: "manifest_incomplete"},
    ),
    "a manifest with one that was taken before": (
        looked(MANIFEST, [X, LIST], BOTH, taken={LIST.path: frozenset(["y.csv"])}),
        {"x.csv": None, LIST.path: "companion"},
    ),
    "a file that comes again under an old manifest": (
        looked(MANIFEST, [X, LIST], BOTH, taken={LIST.path: frozenset(["x.csv", "y.csv"])}),
        {"x.csv": "manifest_missing", LIST.path: "manifest_done"},
    ),
    "a manifest whose sizes differ": (
        looked(MANIFEST, [file("x.csv", 10, 9), Y, LIST], BOTH),
        {"x.csv": "manifest_incomplete", "y.csv": "manifest_incomplete", LIST.path: "manifest_incomplete"},
    ),
    "a manifest without sizes, and a file that is newer": (
        looked(MANIFEST, [file("x.csv", 1), LIST], {LIST.path: {"x.csv": Entry(None, A)}}),
        {"x.csv": "manifest_incomplete", LIST.path: "manifest_incomplete"},
    ),
    "a manifest that is not read yet": (
        looked(MANIFEST, [X, LIST]),
        {"x.csv": "manifest_missing", LIST.path: "manifest_unread"},
    ),
    "a manifest that cannot be read": (
        looked(MANIFEST, [X, LIST], {LIST.path: "it is no text"}),
        {"x.csv": "manifest_unreadable", LIST.path: "manifest_unreadable"},
    ),
    "a file that no manifest names": (
        looked(MANIFEST, [X, Y, LIST], {LIST.path: {"x.csv": Entry()}}),
        {"x.csv": None, "y.csv": "manifest_missing", LIST.path: "companion"},
    ),
    "several strategies, one of which does not hold": (
        looked(goal("marker", "stable"), [X, OK]),
        {"x.csv": "still_growing"},
    ),
    "several strategies that hold": (looked(goal("marker", "stable"), [X, OK], known=[waiting(X)]), {"x.csv": None}),
    "a checksum and a manifest that differ": (
        looked(goal("checksum", "manifest"), [X, Y, SUM, LIST], {**BOTH, SUM.path: {"x.csv": Entry(None, B)}}),
        {"x.csv": "checksums_differ", "y.csv": "checksum_missing", LIST.path: "companion"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_lies_beside_a_file_decides(case: str) -> None:
    found, expected = CASES[case]
    assert told(found) == expected


def test_what_said_so_is_kept_with_the_hash() -> None:
    found = looked(goal("marker", "checksum", "manifest"), [X, Y, OK, SUM, LIST], BOTH | SAID)
    proof = found.proofs["x.csv"]
    assert proof.sha256 == A
    assert {(each.file.path, each.is_manifest) for each in proof.companions} == {
        ("x.csv.ok", False),
        ("x.csv.sha256", False),
        ("all.manifest.json", True),
    }


def test_the_newest_manifest_that_names_a_file_counts() -> None:
    old = file("old.manifest.json", 8)
    found = looked(MANIFEST, [X, LIST, old], {old.path: {"x.csv": Entry(99)}, LIST.path: {"x.csv": Entry(10)}})
    assert [each.file.path for each in found.proofs["x.csv"].companions] == [LIST.path]


@pytest.mark.parametrize(("minutes", "overdue", "is_told"), [(59, False, False), (60, False, True), (600, True, False)])
def test_what_waits_for_too_long_is_told_once(minutes: int, overdue: bool, is_told: bool) -> None:
    late = goal("marker", deadline_minutes=60)
    for stamp in (X, OK):
        known = waiting(stamp, minutes, overdue=overdue)
        found = looked(late, [stamp], known=[known])
        assert [each.id for each, _ in found.overdue] == [known.id] * is_told
        ((_, explained),) = found.explained
        assert ("should have been complete by" in (explained.detail or "")) == (minutes >= 60)


def test_markers_of_files_under_upload_say_nothing() -> None:
    found = spot(
        [Seen(X, UPLOAD, "open")],
        [],
        {GOAL: MARKER},
        Look(NOON, NOON, beside=Beside(Around.of({OK.path: OK}, {}, (), {}))),
    )
    assert told(found) == {"x.csv": "upload_open"}


@pytest.mark.parametrize(
    "flawed",
    [
        {"strategy": []},
        {"strategy": ["stable", "stable"]},
        {"strategy": "often"},
        {"marker": "ready"},
        {"marker": "{name}"},
        {"marker": "{name}{name}.ok"},
        {"marker": "done/{name}.ok"},
        {"marker": "{name}\n.ok"},
        {"checksum": "{file}.md5"},
        {"manifest": "a/*"},
        {"strategy": ["marker", "checksum"], "marker": "{name}.x", "checksum": "{name}.x"},
        {"deadline_minutes": 0},
    ],
)
def test_settings_that_cannot_be_are_refused(flawed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Readiness.model_validate(flawed)


def test_what_was_saved_before_means_what_it_meant() -> None:
    assert Readiness.model_validate({"strategy": "stable"}).strategies == {"stable"}
    assert Readiness.model_validate_json(Readiness(strategy=("marker", "stable")).model_dump_json()).strategies == {
        *("marker", "stable")
    }


@pytest.mark.parametrize(
    ("template", "name", "expected"),
    [
        ("{name}.ok", "x.csv", "x.csv.ok"),
        ("{stem}.done", "x.csv", "x.done"),
        ("{stem}.done", "x", "x.done"),
        ("ready_{name}", "x.csv", "ready_x.csv"),
        ("{stem}.ok", ".x", ".x.ok"),
    ],
)
def test_templates_name_the_file_beside(template: str, name: str, expected: str) -> None:
    assert beside(template, name) == expected
    base = stands_for(template, expected)
    assert base is not None
    assert name.startswith(base)
    assert stands_for(template, "other") is None


def test_a_checksum_named_after_their_stem_is_read_for_all_its_files() -> None:
    readiness = {"strategy": ["checksum"], "checksum": "{stem}.sha256"}
    sources = [{"pattern": {"wildcard": f"*.{kind}"}, "readiness": readiness} for kind in ("csv", "xml")]
    plain = import_goal()
    goals = [plain.model_copy(update={"source": type(plain.source).model_validate(each)}) for each in sources]
    files = {path: file(path) for path in ("x.csv", "x.xml", "x.sha256")}
    ids = [uuid4(), uuid4()]
    names = _by_name(dict(zip(ids, goals, strict=True)), files)
    assert names.checksums == {"x.sha256": {"x.csv", "x.xml"}}
    assert names.asked_by == {"x.sha256": set(ids)}
    listed = f"{A}  x.csv\n{B}  y.xml\n".encode()
    assert _checksums(listed, ["x.csv", "x.xml"]) == {"x.csv": Entry(sha256=A)}
    with pytest.raises(ValueError, match=r"x\.xml"):
        _checksums(listed, ["x.xml"])


def test_what_was_complete_and_waits_for_its_time_is_not_read_again_until_then() -> None:
    scheduled = Explained(ArrivalState.WAITING, "scheduled", "next at noon")
    known = [waiting(X, code="scheduled"), waiting(Y)]
    found = looked(CHECKSUM, [X, Y, SUM, file("y.csv.sha256", 5)], known=known, held=scheduled)
    assert told(found) == {"x.csv": "scheduled", "y.csv": "checksum_unread"}
    # Its time has come: now it is read.
    assert told(looked(CHECKSUM, [X, SUM], known=known[:1])) == {"x.csv": "checksum_unread"}
    # Another file by that name is another matter.
    grown = looked(CHECKSUM, [file("x.csv", 9, size=11), SUM], known=known[:1], held=scheduled)
    assert [explained.code for _, _, explained in grown.grown] == ["checksum_unread"]


def test_what_is_complete_and_waits_is_read_again_once_its_turn_has_come() -> None:
    scheduled = waiting(X, code="scheduled")
    assert not _is_to_be_judged(scheduled, X, is_held=True)
    assert _is_to_be_judged(scheduled, X, is_held=False)
    assert _is_to_be_judged(scheduled, file("x.csv", 9, size=11), is_held=True)
    assert _is_to_be_judged(waiting(X, code="checksum_missing"), X, is_held=True)
    assert _is_to_be_judged(None, X, is_held=True)
    assert not _is_to_be_judged(replace(scheduled, explained=Explained(ArrivalState.ACCEPTED)), X, is_held=False)
    # What waited is no later than what is new.
    assert _turn(scheduled) == _turn(waiting(X, code="checksum_unread")) < _turn(None)


def test_the_data_of_one_goal_are_never_passed_over_as_what_stands_for_files_of_another() -> None:
    other = uuid4()
    texts = goal("rename")
    source = texts.source.model_copy(update={"pattern": Pattern(wildcard="*.txt")})
    goals = {GOAL: goal("marker", marker="{stem}.txt"), other: texts.model_copy(update={"source": source})}
    marker, stray = file("x.txt", 5), file("notes.txt", 5)
    found = looked_for(goals, [X, marker, stray])
    assert {each.seen.file.path: each.goals for each in found.new} == {
        "x.csv": (GOAL,),
        "x.txt": (other,),
        "notes.txt": (other,),
    }
    # It is put away when it was imported.
    assert [each.is_file for each in found.proofs["x.csv"].companions] == [True]
    # A goal's own markers are none of its files, whatever its pattern takes.
    everything = goals[GOAL].source.model_copy(update={"pattern": Pattern(wildcard="*")})
    own = {GOAL: goals[GOAL].model_copy(update={"source": everything})}
    assert told(looked_for(own, [X, marker, stray])) == {"x.csv": None, "notes.txt": "companion"}
    early = goal("marker", marker="{stem}.ok")
    assert told(looked(early, [file("x.ok")])) == {"x.ok": "companion"}


def test_what_stands_for_several_files_says_for_how_many() -> None:
    both = goal("marker", "rename", marker="{stem}.ok")
    source = both.source.model_copy(update={"pattern": Pattern(wildcard="*")})
    found = looked(both.model_copy(update={"source": source}), [X, file("x.xml", 10), file("x.ok"), Y, file("y.ok")])
    assert {
        path: [each.names for each in proof.companions if not each.is_file] for path, proof in found.proofs.items()
    } == {
        "x.csv": [2],
        "x.xml": [2],
        "y.csv": [1],
    }


def test_a_manifest_counts_the_files_that_goals_take_of_those_it_names() -> None:
    entries = dict.fromkeys(("a.csv", "b.csv", "picture.png", "all.json"), Entry())
    wide = goal("manifest", manifest="*.json")
    goals = {GOAL: wide, uuid4(): goal("stable")}
    assert _named(goals, {"all.json": entries, "in/all.json": entries}, {}) == {"all.json": 2, "in/all.json": 0}
    assert _named({GOAL: wide}, {"all.json": "it cannot be read"}, {}) == {"all.json": 0}
    # What no goal ever takes is not waited for.
    all_files = wide.source.model_copy(update={"pattern": Pattern(wildcard="*")})
    never = dict.fromkeys(("a.csv", "a.csv.done", "b.csv.part", "b.json"), Entry())
    every = {GOAL: wide.model_copy(update={"source": all_files})}
    assert _named(every, {"all.json": never}, {GOAL: {"all.json", "b.json"}}) == {"all.json": 1}


def test_files_of_one_goal_keep_none_of_another_from_being_read() -> None:
    other = uuid4()
    asked = {f"{number}.sha256": {GOAL} for number in range(4)} | {"a.sha256": {other}, "b.sha256": {other, GOAL}}
    assert _in_turn([*asked], asked) == ["0.sha256", "a.sha256", "1.sha256", "b.sha256", "2.sha256", "3.sha256"]


@pytest.mark.parametrize(
    ("strategy", "beside_it"), [("checksum", SUM), ("manifest", LIST)], ids=["a checksum", "a manifest"]
)
def test_nobody_is_late_because_we_have_not_read_it_yet(strategy: str, beside_it: FileStamp) -> None:
    """Its turn has come, and is not over before it was read; another goal's is, whatever this one leaves over."""
    other = uuid4()
    elsewhere = goal("marker")
    source = elsewhere.source.model_copy(update={"pattern": Pattern(wildcard="*.txt")})
    goals = {GOAL: goal(strategy, deadline_minutes=60), other: elsewhere.model_copy(update={"source": source})}
    known = [waiting(X, code="scheduled")]
    found = looked_for(goals, [X, beside_it, file("x.txt")], known=known, reads_later=True)
    assert told(found)["x.csv"] == f"{strategy}_unread"
    assert (found.overdue, found.left_over) == ([], {GOAL})
    # Until its turn has come nothing of it is left over, and what is really missing is late.
    scheduled = Explained(ArrivalState.WAITING, "scheduled", "next at noon")
    assert looked_for(goals, [X, beside_it], known=known, reads_later=True, held=scheduled).left_over == set()
    assert [each.id for each, _ in looked_for(goals, [X], known=known).overdue] == [known[0].id]
