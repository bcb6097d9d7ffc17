"""Exports of what became of messages: what people did with mailings, and whether SMS reached them.

What a row shows of its message is a fact, from a list that each kind has. Counts and times are of the events that an
account was told of; how these come stands in event.py. What all exports share: export_goal.py.
"""

from abc import abstractmethod
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, Tag

from shared.domain.event import MessageKind, MessageNamed
from shared.domain.export_columns import (
    KINDS,
    MAX_COLUMNS,
    GroupColumn,
    Headed,
    InteractionsColumn,
    ListsColumn,
    PropertyColumn,
    SegmentsColumn,
    TextColumn,
    told_apart,
)
from shared.domain.export_goal import AboutPeople, Target
from shared.domain.export_kinds import Period
from shared.domain.names import RelativePath


class ResponseFact(StrEnum):
    """What response data can show."""

    RECORD = "record"
    MESSAGE_NUMBER = "message_number"
    MESSAGE_REFERENCE = "message_reference"
    MESSAGE_NAME = "message_name"
    SENT_AT = "sent_at"
    OPENS = "opens"
    CLICKS = "clicks"
    # Of a person and a message.
    FIRST_OPENED_AT = "first_opened_at"
    LAST_OPENED_AT = "last_opened_at"
    FIRST_CLICKED_AT = "first_clicked_at"
    LAST_CLICKED_AT = "last_clicked_at"
    BOUNCED_AT = "bounced_at"
    BOUNCE_KIND = "bounce_kind"
    COMPLAINED_AT = "complained_at"
    UNSUBSCRIBED_AT = "unsubscribed_at"
    # Of a message.
    SENT = "sent"
    UNIQUE_OPENS = "unique_opens"
    UNIQUE_CLICKS = "unique_clicks"
    BOUNCES = "bounces"
    HARD_BOUNCES = "hard_bounces"
    COMPLAINTS = "complaints"
    UNSUBSCRIBES = "unsubscribes"


_TOTALS = frozenset(
    {
        ResponseFact.SENT,
        ResponseFact.UNIQUE_OPENS,
        ResponseFact.UNIQUE_CLICKS,
        ResponseFact.BOUNCES,
        ResponseFact.HARD_BOUNCES,
        ResponseFact.COMPLAINTS,
        ResponseFact.UNSUBSCRIBES,
    }
)
_OF_BOTH = frozenset(
    {
        ResponseFact.RECORD,
        ResponseFact.MESSAGE_NUMBER,
        ResponseFact.MESSAGE_REFERENCE,
        ResponseFact.MESSAGE_NAME,
        ResponseFact.SENT_AT,
        ResponseFact.OPENS,
        ResponseFact.CLICKS,
    }
)

Per = Literal["person_and_message", "message"]
FACTS_PER: dict[Per, frozenset[ResponseFact]] = {
    "person_and_message": frozenset(ResponseFact) - _TOTALS,
    "message": _OF_BOTH | _TOTALS,
}
"""What there is to show in a row of each sort."""


class SmsFact(StrEnum):
    """What the delivery of SMS can show of a person and a message."""

    MESSAGE_NUMBER = "message_number"
    MESSAGE_REFERENCE = "message_reference"
    MESSAGE_NAME = "message_name"
    SENT_AT = "sent_at"
    DELIVERED_AT = "delivered_at"
    FAILED_AT = "failed_at"
    FAILURE = "failure"
    FAILURE_CODE = "failure_code"


class FactColumn(Headed):
    """Something of the message that a row is about, or of what became of it."""

    fact: StrEnum

    def called(self) -> str:
        """The fact's name."""
        return self.fact.value


class ResponseColumn(FactColumn):
    """Of a mailing, or of what people did with it.

    Of both sorts of rows: `record` is `response`, or `unsubscribe` in rows that `with_unsubscribes` adds;
    `message_number`, `message_reference` and `message_name`; `sent_at`, when it was sent to the person or at first, or
    else what the message says; `opens` and `clicks`, how many.

    Of a person and a message: `first_opened_at`, `last_opened_at`, `first_clicked_at` and `last_clicked_at`;
    `bounced_at`, when it came back last, and `bounce_kind`, `hard` where it ever was; `complained_at` and
    `unsubscribed_at`, when they did so first.

    Of a message: how many people it was `sent` to, opened it (`unique_opens`), clicked (`unique_clicks`), complained
    (`complaints`) and left (`unsubscribes`), and of how many it came back (`bounces`, of them `hard_bounces`): each
    person once.
    """

    fact: ResponseFact


class SmsColumn(FactColumn):
    """Of an SMS, or of what became of it.

    `message_number`, `message_reference` and `message_name`; `sent_at`, when it was sent to the person, or else what
    the message says; `delivered_at` and `failed_at`, each the last time; `failure`, the last reason that was told, or
    else its code, and `failure_code`.
    """

    fact: SmsFact


def _with_facts(column: type[FactColumn]) -> Any:
    return told_apart({"fact": column, **KINDS})


ShownResponse = Annotated[
    Annotated[ResponseColumn, Tag("fact")]
    | Annotated[PropertyColumn, Tag("property")]
    | Annotated[ListsColumn, Tag("lists")]
    | Annotated[SegmentsColumn, Tag("segments")]
    | Annotated[InteractionsColumn, Tag("interactions")]
    | Annotated[GroupColumn, Tag("group")]
    | Annotated[TextColumn, Tag("text")],
    _with_facts(ResponseColumn),
]
"""A column of response data."""
ShownSms = Annotated[
    Annotated[SmsColumn, Tag("fact")]
    | Annotated[PropertyColumn, Tag("property")]
    | Annotated[ListsColumn, Tag("lists")]
    | Annotated[SegmentsColumn, Tag("segments")]
    | Annotated[InteractionsColumn, Tag("interactions")]
    | Annotated[GroupColumn, Tag("group")]
    | Annotated[TextColumn, Tag("text")],
    _with_facts(SmsColumn),
]
"""A column of what became of SMS."""


class ResponsesTarget(Target):
    """Where response data goes."""

    file_name: RelativePath = "responses_{requested_at:YYYYMMDDHHmmss}.csv"


class SmsTarget(Target):
    """Where what became of SMS goes."""

    file_name: RelativePath = "sms_{requested_at:YYYYMMDDHHmmss}.csv"


class AboutMessages(AboutPeople):
    """Write what became of messages: what the kinds have in common that do so."""

    messages: Literal["all"] | Annotated[tuple[MessageNamed, ...], Field(min_length=1, max_length=1_000)] = Field(
        default="all", description="Of all messages, or only of these, by id or number"
    )
    period: Period | None = Field(
        default=None,
        description="Only rows of which something became known since, or happened in that time; what such a row says "
        "is everything that is known by then. Since the last export, another name or time of sending of a message that "
        "the file shows is news of it too. An event that is said again of another person or message is told where it "
        "is now; a row that it is gone from is not told for that. Null: all rows",
    )

    @property
    def tells_changes(self) -> bool:
        """Whether its file tells only what the export before it did not."""
        return self.period is not None and self.period.since_last is True

    @property
    @abstractmethod
    def message_kind(self) -> MessageKind:
        """What sort of messages it is about."""


class ExportResponses(AboutMessages):
    """Write what people did with mailings: opens, clicks, bounces, complaints, unsubscribes.

    A row is about a person and a message, once any event tells of both; or about a message and all people together.
    That somebody comes into segments or on lists that a row shows brings no row: events alone do.
    """

    kind: Literal["export_responses"]
    target: ResponsesTarget = ResponsesTarget()
    columns: tuple[ShownResponse, ...] = Field(min_length=1, max_length=MAX_COLUMNS)
    per: Per = Field(
        default="person_and_message",
        description="What a row is about; of a message alone nothing is shown of people, and nobody is held back",
    )
    with_unsubscribes: StrictBool = Field(
        default=False,
        description="Behind the responses, a row for each person who is suppressed, for whatever reason, as "
        "export_unsubscribes tells them of the same period: without a message, with `unsubscribe` as its `record`, and "
        "with the time as `bounced_at` or `complained_at` where that is the reason, else as `unsubscribed_at`",
    )

    @property
    def message_kind(self) -> MessageKind:
        """What sort of messages it is about."""
        return "mailing"


class ExportSms(AboutMessages):
    """Write what became of SMS: a row a person and message, once any event tells of both."""

    kind: Literal["export_sms"]
    target: SmsTarget = SmsTarget()
    columns: tuple[ShownSms, ...] = Field(min_length=1, max_length=MAX_COLUMNS)

    @property
    def message_kind(self) -> MessageKind:
        """What sort of messages it is about."""
        return "sms"
