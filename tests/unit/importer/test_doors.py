"""Marks and returns at a host that hangs leave room for those at all others."""

import asyncio

import pytest

from services.importer.doors import Doors, room_in
from shared.domain.failures import HostBusy, WorkerBusy
from shared.domain.place import SftpPlace


def _at(host: str) -> SftpPlace:
    return SftpPlace(transport="sftp", host=host, username="shop")


async def test_a_host_has_so_much_room_and_no_more_and_others_have_theirs() -> None:
    doors = Doors(at_a_host=1, patience_seconds=0.01)
    async with doors.entered(_at("hangs.example")):
        with pytest.raises(HostBusy):
            async with doors.entered(_at("hangs.example")):
                pass
        async with doors.entered(_at("well.example")):
            pass
    async with doors.entered(_at("hangs.example")):
        pass


async def test_who_finds_no_room_in_time_says_so_and_leaves_it_to_others() -> None:
    room = asyncio.Semaphore(1)
    async with room_in(room, 1, WorkerBusy()):
        with pytest.raises(WorkerBusy):
            async with room_in(room, 0.01, WorkerBusy()):
                pass
    assert not room.locked()
