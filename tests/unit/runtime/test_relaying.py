"""A relay that breaks is not passed over in silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from shared.bus.in_process import InProcessBus
from shared.observe.metrics import Metrics
from shared.runtime.service import Base, relaying


@dataclass
class BrokenDatabase:
    """Answers a look into the outbox with a mistake of ours."""

    rang: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Any]:
        """The mistake."""
        raise LookupError("a mistake")
        yield


async def test_a_mistake_in_the_relay_ends_the_block() -> None:
    base = cast(Any, Base)(
        settings=None, database=BrokenDatabase(), bus=InProcessBus(), metrics=Metrics(), keys=None, places=None
    )
    with pytest.raises(LookupError):
        async with asyncio.timeout(10), relaying(base):
            await asyncio.Event().wait()
