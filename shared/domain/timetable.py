"""Until when the files of a goal are expected, where nobody looks for them in blackouts of their connection. Pure.

A partner's server is not looked at in a blackout of its connection: what came there meanwhile is first seen behind it.
So a deadline in one, or so shortly behind one that what lay there cannot have been found complete, is put off. What is
in time is seen soon behind the first window, though it may be complete only behind the next. A folder of our own is
looked at all the same, and in a goal's own blackout as well: there files only wait, and have come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile

from shared.domain.blackout import Blackout, blackout_since, blackout_until
from shared.domain.connection import ConnectionSettings
from shared.domain.expectation import Expectation
from shared.domain.place import HostedPlace
from shared.domain.readiness import Readiness

DAYS_BACK = 1
"""How many days before today are still judged: a poller may have been away over midnight."""
LOOKS_TAKE_SECONDS = 90
"""That looks themselves may take until a file is found complete, on top of the time between them."""
_A_LOOK = timedelta(seconds=LOOKS_TAKE_SECONDS)
"""Where less time is left between windows, nobody may come to look."""
_FIRST_LOOK_WITHIN = timedelta(hours=1)
"""So long after a window something that lay there is first seen, at the latest: looks fail, and wait their turn."""
_MOST_IN_A_ROW = 16
"""Windows with too little time between them for a look. More are each for itself: there is no other time."""
_MOST_BACK = 20
"""Days for which a deadline may be put off: more than two windows, each of them a week, and looks of a day."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """What is expected, the windows in which nobody looks, and how long afterwards what lies there is complete."""

    expected: Expectation
    unwatched: Sequence[Blackout] = ()
    looks_take: timedelta = timedelta()
    _put_off: dict[date, tuple[datetime, datetime]] = field(default_factory=dict, repr=False, compare=False)
    """What was asked for: windows in a row take a moment."""

    def deadline(self, day: date) -> datetime:
        """When the files of a day are judged: what came in time is complete then. In UTC."""
        return self._times(day)[1]

    def seen_by(self, day: date) -> datetime:
        """After when files of a day that are first seen are late, in UTC."""
        return self._times(day)[0]

    def _times(self, day: date) -> tuple[datetime, datetime]:
        if day not in self._put_off:
            self._put_off[day] = self._found(self.expected.deadline(day))
        return self._put_off[day]

    def _found(self, at: datetime) -> tuple[datetime, datetime]:
        ends = [end for end in map(self._end, (at - self.looks_take, at)) if end is not None]
        if not ends:
            return at, at
        seen_by = max(at, max(ends) + min(self.looks_take, _FIRST_LOOK_WITHIN))
        complete_by = max(ends) + self.looks_take
        # What was seen before another window is found complete by the first look behind that.
        end = self._end(complete_by)
        return seen_by, complete_by if end is None else end + _A_LOOK

    def _end(self, moment: datetime) -> datetime | None:
        """Until when nobody looks, or may not come to it, where a moment lies in a window; else None."""
        first = until = blackout_until(self.unwatched, moment) if self.unwatched else None
        for _ in range(_MOST_IN_A_ROW):
            following = None if until is None else blackout_until(self.unwatched, until + _A_LOOK)
            if following is None:
                return until
            until = following
        return first

    def next_deadline(self, moment: datetime) -> datetime:
        """The first one after a moment."""
        today = self.expected.day_of(moment)
        days = self._expecting(self._first_open(today), today + (_MOST_BACK + 8) * _DAY)
        return next(at for at in map(self.deadline, days) if at > moment)

    def first_judged(self, now: datetime) -> date:
        """The first day that is judged: of those whose deadlines were put off also some that are longer ago."""
        return self._first_open(self.expected.day_of(now) - DAYS_BACK * _DAY)

    def first_counted(self, now: datetime) -> date:
        """The first day whose files matter to the days that are judged."""
        # Of the first day those cannot be told apart that count for the one before it, and so it is not known how many
        # of the second day's it takes: neither may be one that is judged.
        return self._first_open(self._first_open(self.first_judged(now)))

    def carried_over(self, first: date, last: date) -> dict[date, datetime]:
        """Days of these, in order, whose files may be first seen behind their midnights, and until when."""
        moments = ((day, self.seen_by(day)) for day in self._expecting(first, last))
        return {day: at for day, at in moments if self.expected.day_of(at) > day}

    def _first_open(self, day: date) -> date:
        """The first whose deadline had not passed when a day began; that day itself where there is none before."""
        before = [*self._expecting(day - _MOST_BACK * _DAY, day - _DAY)] if self.unwatched else []
        open_ones = takewhile(lambda each: self.expected.day_of(self.deadline(each)) >= day, reversed(before))
        return min(open_ones, default=day)

    def _expecting(self, first: date, last: date) -> Iterator[date]:
        days = (first + number * _DAY for number in range((last - first).days + 1))
        return (day for day in days if self.expected.expects(day))


def judged_since(before: Sequence[Blackout], after: Sequence[Blackout], now: datetime) -> datetime:
    """Whose deadlines are judged once windows were changed: those after that moment.

    What passed in both is still to be judged. All else was, or came when only those before knew that nobody looks.
    """
    begins = blackout_since(before, now), blackout_since(after, now)
    return max(each for each in begins if each) - timedelta(seconds=1) if all(begins) else now


def unwatched(connection: ConnectionSettings) -> Sequence[Blackout]:
    """The windows in which nobody looks at a connection's place."""
    return () if isinstance(connection.place, HostedPlace) else connection.blackouts


def timetable(expected: Expectation, readiness: Readiness, connection: ConnectionSettings) -> Timetable:
    """That of a goal of a connection."""
    # The first look follows the end of a window at once, and mostly the second finds files complete.
    seconds = connection.interval_seconds + readiness.minimum_age_seconds + LOOKS_TAKE_SECONDS
    return Timetable(expected, unwatched(connection), timedelta(seconds=seconds))
