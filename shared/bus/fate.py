"""What becomes of a message after its handler: the one judgement that both buses share.

Nothing here talks to a broker. What went wrong inside the handler is logged by the consumer, which knows the
message; the buses log what they do with it.
"""

import asyncio
from enum import Enum, auto
from typing import NamedTuple

from shared.bus.bus import Envelope, Handler, Park


class Fate(Enum):
    """What to do with a message that was handled."""

    DONE = auto()
    AGAIN = auto()
    PARKED = auto()


class Judgement(NamedTuple):
    """The fate and, unless it is done, the class of the error that led to it (its text may hold anything)."""

    fate: Fate
    error: str | None = None


async def judge(handler: Handler, envelope: Envelope, *, may_come_again: bool) -> Judgement:
    """Run the handler and say what becomes of the message. A cancellation of the caller passes through.

    The handler's error is taken as a value: to a bus every way to fail means the same, to hand the message out
    again while it may come again, and to park it afterwards.
    """
    [answer] = await asyncio.gather(handler(envelope), return_exceptions=True)
    if answer is None:
        return Judgement(Fate.DONE)
    fate = Fate.AGAIN if may_come_again and not isinstance(answer, Park) else Fate.PARKED
    return Judgement(fate, type(answer).__name__)
