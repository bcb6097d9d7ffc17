"""Exports of changes to a real OpenSSH that break off: at byte N, on a full disk, at a refused rename, with nobody up.

A few of each; the many are in tests/faults/test_deliveries.py.
"""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from shared.runtime.service import Base
from tests.integration.road.broken import breaks, cut_at, goes_on, home_on, partner_on
from tests.real.openssh import PrivateOpenSSH
from tests.real.proxy import Action
from tests.real.small_disk import small_disk


async def test_a_delivery_that_is_cut_at_any_byte_leaves_no_half_file(
    base: Base, account: UUID, openssh_server: PrivateOpenSSH
) -> None:
    async with partner_on(base, account, openssh_server, home_on(openssh_server)) as partner:
        places = [(100, Action.CUT), (300_000, Action.CUT), (-900, Action.CUT), (-1_500, Action.CUT_BEFORE_ANSWER)]
        await cut_at(partner, places)
        assert await breaks(partner, partner.proxy.refuse, partner.proxy.heal, "connection_lost")
        await goes_on(partner)


async def test_a_full_disk_and_a_refused_rename_leave_what_was_there(
    base: Base, account: UUID, own_openssh: Callable[[], PrivateOpenSSH]
) -> None:
    with small_disk(8) as disk:
        home = disk.root / "home"
        home.mkdir()
        home.chmod(0o777)
        server = own_openssh()
        async with partner_on(base, account, server, home) as partner:
            # It holds a part of the file.
            assert await breaks(partner, partial(disk.fill, leave_bytes=150_000), disk.empty, "server_failed")
            refusing = partial(server.deny, "rename", "posix-rename")
            assert await breaks(partner, refusing, server.deny, "rename_refused")
            await goes_on(partner)
