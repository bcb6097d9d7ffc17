"""Messages of an account: mailings and SMS that events refer to. Writes `messages`. Tidegate sends none of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.event import MessageKind, MessageNamed
from shared.domain.failures import AlreadyExists, NotFound
from shared.storage.database import Record, Tx
from shared.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is stored."""

    id: UUID
    number: int
    kind: MessageKind
    reference: str
    """What the system that sent it calls it; unique with the kind."""
    name: str
    sent_at: datetime | None
    version: int
    created_at: datetime
    created_by_run: UUID | None


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages are wanted; None is any. `after` is the number of the last one seen."""

    kind: MessageKind | None = None
    reference: str | None = None
    number: int | None = None
    after: int = 0


async def create(tx: Tx, kind: MessageKind, reference: str, name: str, sent_at: datetime | None) -> Message:
    """Make a message, with a number that no message of the account ever had. Raises AlreadyExists."""
    row = await tx.row("messages.insert", kind, reference, name, sent_at)
    if row is None:
        raise AlreadyExists(f"Found a message of the kind {kind!r} with that reference already.")
    return _message(row)


async def get(tx: Tx, message_id: UUID) -> Message:
    """One message. Raises NotFound."""
    return _message(await tx.row("messages.get", message_id))


async def lock(tx: Tx, message_id: UUID) -> Message:
    """One message, held until the transaction ends. Raises NotFound."""
    return _message(await tx.row("messages.lock", message_id))


async def page(tx: Tx, chosen: MessageFilter, limit: int) -> list[Message]:
    """Messages in the order of their numbers."""
    rows = await tx.fetch("messages.page", chosen.kind, chosen.reference, chosen.number, chosen.after, limit)
    return [_message(row) for row in rows]


async def change(tx: Tx, held: Message, name: str, sent_at: datetime | None) -> Message:
    """Give a held message another name or time: a new version."""
    return _message(await tx.row("messages.change", held.id, name, sent_at))


async def numbered(tx: Tx, wanted: Collection[tuple[MessageKind, int]]) -> set[tuple[MessageKind, int]]:
    """Those of these messages that there are, by kind and number."""
    kinds, numbers = [kind for kind, _ in wanted], [number for _, number in wanted]
    return {(row["kind"], row["number"]) for row in await tx.fetch("messages.numbered", kinds, numbers)}


async def numbers_of(tx: Tx, kind: MessageKind, named: Collection[MessageNamed]) -> dict[MessageNamed, int]:
    """The numbers of messages of a kind by id and number; without those that are not there."""
    ids = [each for each in named if isinstance(each, UUID)]
    numbers = [each for each in named if isinstance(each, int)]
    found = await tx.fetch("messages.named", kind, ids, numbers)
    known: dict[MessageNamed, int] = {row["message_id"]: row["number"] for row in found}
    known |= {row["number"]: row["number"] for row in found}
    return {each: known[each] for each in named if each in known}


async def referred(tx: Tx, wanted: Collection[tuple[MessageKind, str]]) -> dict[tuple[MessageKind, str], int]:
    """The numbers of messages by kind and reference; those that are new are made."""
    if not wanted:
        return {}
    kinds, references = [kind for kind, _ in wanted], [reference for _, reference in wanted]
    named = statement("messages.given").replace("{kinds}", "$2").replace("{references}", "$3")
    text = statement("messages.ensure").replace("{schema}", tx.schema).replace("{named}", named)
    await tx.connection.execute(text, None, kinds, references)
    rows = await tx.fetch("messages.referred", kinds, references)
    return {(row["kind"], row["reference"]): row["number"] for row in rows}


async def ensure(tx: Tx, named: str, *, run_id: UUID) -> None:
    """Make a message of each reference that is new, for a run.

    `named` is a quoted table of the transaction, or a select in brackets, with columns `kind` and `reference`.
    """
    text = statement("messages.ensure").replace("{schema}", tx.schema).replace("{named}", named)
    await tx.connection.execute(text, run_id)


def _message(row: Record | None) -> Message:
    if row is None:
        raise NotFound
    facts = dict(row)
    return Message(id=facts.pop("message_id"), **facts)
