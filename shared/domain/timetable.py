"""Until when the files of a goal are expected, where nobody looks for them in blackouts of their connection. Pure.

A partner's server is not looked at in a blackout of its connection: what came there meanwhile is first seen behind it.
So a deadline in one, or so shortly behind one that what lay there cannot have been found complete, is put off. A folder
of our own is looked at all the same, and in a goal's own blackout as well: there files only wait, and have come.
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
_MOST_IN_A_ROW = 8
"""Windows with so little time between them that no file is found complete there."""
_MOST_BACK = 16
"""Days for which a deadline may be put off: more than windows in a row can last."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """What is expected, the windows in which nobody looks, and how long afterwards what lies there is complete."""

    expected: Expectation
    unwatched: Sequence[Blackout] = ()
    looks_take: timedelta = timedelta()
    _deadlines: dict[date, datetime] = field(default_factory=dict, repr=False, compare=False)
    """That were asked for: windows in a row take a moment."""

    def deadline(self, day: date) -> datetime:
        """After when the files of a day are late, in UTC."""
        if day not in self._deadlines:
            self._deadlines[day] = self._deadline(day)
        return self._deadlines[day]

    def _deadline(self, day: date) -> datetime:
        at = self.expected.deadline(day)
        for _ in range(_MOST_IN_A_ROW if self.unwatched else 0):
            ends = [blackout_until(self.unwatched, moment) for moment in (at - self.looks_take, at)]
            seen_at = max((each + self.looks_take for each in ends if each is not None), default=at)
            if seen_at <= at:
                break
            at = seen_at
        return at

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
        return self._first_open(self.first_judged(now))

    def carried_over(self, first: date, last: date) -> dict[date, datetime]:
        """Days of these, in order, that last until a deadline behind their midnights."""
        deadlines = ((day, self.deadline(day)) for day in self._expecting(first, last))
        return {day: at for day, at in deadlines if self.expected.day_of(at) > day}

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


def timetable(expected: Expectation, readiness: Readiness, connection: ConnectionSettings) -> Timetable:
    """That of a goal of a connection."""
    if isinstance(connection.place, HostedPlace):
        return Timetable(expected)
    # The first look follows the end of a window at once, and mostly the second finds files complete.
    seconds = connection.interval_seconds + readiness.minimum_age_seconds + LOOKS_TAKE_SECONDS
    return Timetable(expected, connection.blackouts, timedelta(seconds=seconds))
