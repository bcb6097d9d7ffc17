"""What became of messages as a file's rows: of each person and message, or of each message.

News is what came since the mark, whenever it happened: such rows come with all that is known by now. So does another
name or time of sending of a message, where that is shown. Where people must have an identifier, it is remembered who
has it: whoever had none is told of, with all that is known of them, once they have. What else a row shows of its person
is no news. Nor is it where an event is said again of another person or message: what was told of the former stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from shared.domain.event import BUILT_IN
from shared.domain.export_columns import Headed, TextColumn
from shared.domain.export_messages import FACTS_PER, AboutMessages, ExportResponses, FactColumn
from shared.domain.failures import InvalidGoal
from shared.domain.property import PropertyType, Written
from shared.storage.columns import quoted, value_of
from shared.storage.selections.news import EVERYBODY, Since
from shared.storage.selections.profiles import NO_IDENTIFIER
from shared.storage.selections.selection import Counted, Parameters, SelectedColumn, Selection
from shared.storage.selections.shown import Shown
from shared.storage.statements import statement

_TEXTS = {"record", "message_reference", "message_name", "bounce_kind", "failure", "failure_code"}
"""Facts that are texts; the others are times, which their names end in, and numbers."""
_OF_MESSAGES = {"message_name", "sent_at"}
"""Facts that messages say of themselves and that can change."""


@dataclass(frozen=True, slots=True)
class Messages:
    """What became of the messages that a goal is about."""

    goal: AboutMessages
    shown: Shown
    domain_group: int
    numbers: tuple[int, ...] | None
    """Of the messages that it names; None for all."""
    now: datetime
    """What its days are counted from."""

    def selected(self, since: Since | None = None) -> Selection:
        """The goal's columns of all rows; since a mark, of those that are news. Raises InvalidGoal."""
        goal, parameters = self.goal, Parameters([self.domain_group])
        told = self._told(parameters, since)
        shown = replace(self.shown, parameters=parameters)
        columns = [(each.heading, *self._column(each, shown)) for each in goal.columns]
        segments = () if self._is_of_messages else goal.segments_asked
        texts = [*(text for _, _, text in columns), *map(shown.is_in, segments)]
        frame = statement("told_messages.totals" if self._is_of_messages else "told_messages.people")
        only = "" if self._identifier is None else self._has(self._identifier)
        return Selection(
            columns=tuple(SelectedColumn(heading, kind) for heading, kind, _ in columns),
            text=_filled(frame, columns="".join(f", {text}" for text in texts), told=told, only=only),
            parameters=tuple(parameters.values),
            held_back=tuple(self._held_back(since)),
            segments=segments,
        )

    def told_of(self, goal_id: UUID) -> Selection | None:
        """Of whom could be told, as rows of `export_sets`; None where that is everybody. Raises InvalidGoal."""
        if self._identifier is None:
            return None
        text = _filled(statement("selections.told_of"), part="$3::text", conditions=self._has(self._identifier))
        return Selection(columns=(), text=text, parameters=(self.domain_group, goal_id, EVERYBODY))

    @property
    def _is_of_messages(self) -> bool:
        return isinstance(self.goal, ExportResponses) and self.goal.per == "message"

    @property
    def _identifier(self) -> str | None:
        """The column of what people must have."""
        found = None if self._is_of_messages else self.shown.identifier(self.goal.identifier)
        return None if found is None else value_of(found)

    def _column(self, column: Headed, shown: Shown) -> tuple[Written, str]:
        if isinstance(column, FactColumn):
            fact = column.fact
            if isinstance(self.goal, ExportResponses) and fact not in FACTS_PER[self.goal.per]:
                raise InvalidGoal(f"Rows of a {self.goal.per} do not show {fact.value!r}.")
            return _type_of(fact.value), f"told.{quoted(fact.value)}"
        if self._is_of_messages and not isinstance(column, TextColumn):
            raise InvalidGoal("Rows of messages show nothing of people.")
        return shown.column(column)

    def _held_back(self, since: Since | None) -> Iterator[Counted]:
        """How many of the rows are about people who lack the goal's identifier."""
        if self._identifier is not None:
            parameters = Parameters([self.domain_group])
            told = self._told(parameters, since)
            text = _filled(statement("told_messages.without"), told=told, column=self._identifier)
            yield Counted(NO_IDENTIFIER, text, tuple(parameters.values))

    def _told(self, parameters: Parameters, since: Since | None) -> str:
        """All rows, by the names of their facts."""
        about = statement("told_messages.about").replace("{types}", parameters.add(self._types(), "text[]"))
        if self.numbers is not None:
            about += " " + statement("told_messages.chosen").replace(
                "{numbers}", parameters.add(list(self.numbers), "integer[]")
            )
        which = self._which(parameters, since).replace("{about}", about.replace("{event}", "n"))
        family = "sms" if self.goal.message_kind == "sms" else "response"
        pairs = statement(f"told_messages.{family}_pairs")
        pairs = _filled(pairs, about=about.replace("{event}", "e"), which=which)
        if not isinstance(self.goal, ExportResponses):
            return statement("told_messages.sms").replace("{pairs}", pairs)
        named = "responses_by_message" if self._is_of_messages else "responses"
        told = statement(f"told_messages.{named}").replace("{pairs}", pairs)
        return told + (" " + self._unsubscribes(parameters, since) if self.goal.with_unsubscribes else "")

    def _which(self, parameters: Parameters, since: Since | None) -> str:
        """What narrows events to those of rows that the file is about; has an {about} slot."""
        if since is not None:
            then = parameters.fill(partial(since.newer, xid="n.changed_xid"))
        elif (days := self._days) is not None:
            start, end = parameters.add(self.now - days, "timestamptz"), parameters.add(self.now, "timestamptz")
            then = _filled(statement("told_messages.happened"), since=start, until=end)
        else:
            return ""
        came = "" if since is None else self._changed_messages(parameters, since)
        if self._is_of_messages:
            return " " + _filled(statement("told_messages.which_messages"), then=then, came=came)
        if since is not None and self._identifier is not None:
            came += self._came(parameters, since, self._identifier)
        return " " + _filled(statement("told_messages.which_people"), then=then, came=came)

    def _changed_messages(self, parameters: Parameters, since: Since) -> str:
        """What finds messages that say something else of themselves, where the file shows it."""
        shown = {each.fact.value for each in self.goal.columns if isinstance(each, FactColumn)}
        if not shown & _OF_MESSAGES:
            return ""
        text = statement(f"told_messages.{'changed_messages' if self._is_of_messages else 'of_changed_messages'}")
        return _filled(text, changed=parameters.fill(partial(since.newer, xid="message.changed_xid")))

    def _came(self, parameters: Parameters, since: Since, identifier: str) -> str:
        """What finds events of people of whom nothing could be told before."""
        return " " + _filled(
            statement("told_messages.came"),
            joins=" " + parameters.fill(partial(since.join, part=EVERYBODY, number=0)),
            changed=parameters.fill(partial(since.newer, xid=statement("selections.changed"))),
            untold=statement("told_messages.untold"),
            has=self._has(identifier),
        )

    def _unsubscribes(self, parameters: Parameters, since: Since | None) -> str:
        """Rows of who is suppressed, with the same columns."""
        joins = conditions = ""
        if since is not None:
            identifier = self._identifier
            joins = " " + parameters.fill(partial(since.join, part=EVERYBODY, number=0)) if identifier else ""
            conditions = " " + _filled(
                statement("told_messages.suppressed_since"),
                changed=parameters.fill(partial(since.newer, xid=statement("selections.changed"))),
                suppressed=parameters.fill(partial(since.newer, xid=statement("selections.suppressed"))),
                untold=statement("told_messages.untold") if identifier else "false",
                has=self._has(identifier) if identifier else "",
            )
        elif (days := self._days) is not None:
            start, end = parameters.add(self.now - days, "timestamptz"), parameters.add(self.now, "timestamptz")
            within = _filled(statement("selections.suppressed_within"), since=start, until=end)
            conditions = " " + statement("selections.condition").replace("{condition}", within)
        return _filled(statement("told_messages.unsubscribes"), joins=joins, conditions=conditions)

    def _types(self) -> list[str]:
        return [name for name, each in BUILT_IN.items() if each.message == self.goal.message_kind]

    @property
    def _days(self) -> timedelta | None:
        period = self.goal.period
        return None if period is None or period.last_days is None else timedelta(days=period.last_days)

    def _has(self, identifier: str) -> str:
        return " " + statement("told_messages.has").replace("{column}", identifier)


def _type_of(fact: str) -> PropertyType:
    if fact.endswith("_at"):
        return PropertyType.DATETIME
    return PropertyType.TEXT if fact in _TEXTS else PropertyType.INTEGER


def _filled(text: str, **slots: str) -> str:
    for name, value in slots.items():
        text = text.replace("{" + name + "}", value)
    return text
