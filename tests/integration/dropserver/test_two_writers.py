"""Two replicas that begin to write one name at the same moment never write one file."""

import asyncio
import os
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.dropserver.tenant import Begun, Limits, Tenant
from services.dropserver.uploads import Register
from services.dropserver.writing import Writing
from shared.transfer.tree import Tree
from tests.fakes.drop import RememberedUploads

ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class Hesitant(RememberedUploads):
    """Tells of a beginning only when it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def opened(self, tenant: Tenant, path: str, before_bytes: int | None, *, cuts: bool) -> Begun:
        self.is_asked.set()
        await self.may_go_on.wait()
        return await super().opened(tenant, path, before_bytes, cuts=cuts)


@dataclass
class Replica:
    """What a session needs of its server."""

    uploads: RememberedUploads
    limits: Limits = field(default_factory=Limits)
    register: Register = field(default_factory=Register)
    is_closing: bool = False

    def carry_on(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        return asyncio.ensure_future(work)


@pytest.mark.parametrize("flags", [ANEW, ANEW | os.O_EXCL], ids=["anew", "exclusive"])
async def test_who_looked_before_the_other_began_gets_a_file_of_its_own(tmp_path: Path, flags: int) -> None:
    tenant = Tenant(uuid4(), UUID(int=1), uuid4(), tmp_path)
    slow, quick = Hesitant(), RememberedUploads()
    first, second = (Writing(Replica(each), tenant, Tree(tmp_path)) for each in (slow, quick))
    beginning = asyncio.create_task(first.begin("a.csv", flags))
    await slow.is_asked.wait()
    theirs = await second.begin("a.csv", flags)
    second.write(theirs, 0, b"the second one, which is longer")
    slow.may_go_on.set()
    if flags & os.O_EXCL:
        with pytest.raises(FileExistsError):
            await beginning
        await second.finish(theirs)
        assert (tmp_path / "a.csv").read_bytes() == b"the second one, which is longer"
        return
    ours = await beginning
    first.write(ours, 0, b"the first")
    second.write(theirs, 0, b"THE")
    await first.finish(ours)
    with pytest.raises(FileNotFoundError):
        await second.finish(theirs)
    assert (tmp_path / "a.csv").read_bytes() == b"the first"
    assert [slow.short[-1], quick.short[-1]] == [("closed", "a.csv"), ("broken", "a.csv")]
