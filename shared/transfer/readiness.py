"""Decide whether a file has stopped growing, and which names are never an import's own.

Senders rarely say when an upload is complete, so we look twice and trust a file only when its size and time held
still for the goal's minimum age. The age is counted on our own clock, from the first look at that stamp: senders
keep old times, and their clocks are wrong. Pure; nothing here opens a file.
"""

import re
from datetime import datetime, timedelta

from shared.domain.arrival import FileStamp
from shared.domain.goal import TEMPORARY_SUFFIXES, AnyImport
from shared.domain.model import Model
from shared.domain.names import split
from shared.domain.watched import levels_below


class Look(Model):
    """A file as it was last seen, and since when it has been seen like that."""

    file: FileStamp
    since: datetime


class Decision(Model):
    """Whether the file is ready, why not, and what to compare with next time."""

    is_ready: bool
    look: Look
    waits_for: str = ""


def decide(previous: Look | None, seen: FileStamp, now: datetime, minimum_age_seconds: int) -> Decision:
    """Readiness `stable`: size and time unchanged over two looks and the minimum age."""
    if previous is None:
        return Decision(is_ready=False, look=Look(file=seen, since=now), waits_for="a second look")
    if previous.file != seen:
        return Decision(is_ready=False, look=Look(file=seen, since=now), waits_for="the file to hold still")
    # A clock set back must not make a file wait for ever.
    since = min(previous.since, now)
    look = Look(file=seen, since=since)
    age = now - since
    if age < timedelta(seconds=minimum_age_seconds):
        left = minimum_age_seconds - int(age.total_seconds())
        return Decision(is_ready=False, look=look, waits_for=f"the minimum age, {left} seconds more")
    return Decision(is_ready=True, look=look)


def is_temporary(name: str) -> bool:
    """Whether a sender means the file to be complete only under another name. Suffixes in any case."""
    return name.startswith(".") or name.lower().endswith(TEMPORARY_SUFFIXES)


def is_own_name(path: str, goal: AnyImport) -> bool:
    """Whether the path is one under which this goal puts files away, numbered where a name was taken.

    What it moves from a subdirectory keeps that below the place that it is moved to.
    """
    directory, name = split(path)
    done, failed = goal.source.afterwards.done, goal.source.afterwards.failed
    suffix = done.rename_suffix
    if suffix is not None and suffix in name and re.search(rf"{re.escape(suffix)}(\.[0-9]{{1,2}})?\Z", name):
        return True
    kept = {place for place in (done.move_to, failed.move_to) if place is not None} - {goal.source.directory}
    if goal.source.subdirectories == 0:
        return directory in kept
    return any(place and levels_below(place, directory) is not None for place in kept) or directory in kept
