"""A hosted folder on a full disk."""

from collections.abc import AsyncIterator

import pytest

from shared.domain.failures import PlaceFull
from shared.transfer.directory import LocalDirectory
from tests.real.small_disk import small_disk


async def _megabyte() -> AsyncIterator[bytes]:
    yield bytes(1 << 20)


async def test_a_full_folder_is_no_full_worker() -> None:
    with small_disk(1) as disk:
        disk.fill(leave_bytes=8192)
        with pytest.raises(PlaceFull):
            await LocalDirectory(disk.root).write("a.csv", _megabyte())
