"""Exports of changes to a partner's OpenSSH that break off at many bytes, in three ways; a few are in the suite."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from shared.runtime.service import Base
from shared.transfer.folder import Deadlines
from tests.faults.report import Table
from tests.integration.road.broken import cut_at, goes_on, home_on, partner_on
from tests.integration.road.conftest import base  # noqa: F401 a fixture, found by its name here
from tests.real.openssh import PrivateOpenSSH
from tests.real.proxy import Action

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

IMPATIENT = Deadlines(login_seconds=6, step_seconds=6, idle_seconds=6)
ENDS = range(-4_000, -300, 150)
"""Where files get their names."""


@pytest.mark.parametrize(
    ("action", "places", "done"),
    [
        (Action.CUT, (*range(1, 6_000, 1_000), *range(10_000, 330_000, 40_000), *ENDS), "the connection cut"),
        (Action.CUT_BEFORE_ANSWER, ENDS, "the connection cut before the answer"),
        (Action.BLACK_HOLE, (3_000, 150_000, -2_500, -1_500, -600), "no packet passed on any more"),
    ],
    ids=lambda value: value.name if isinstance(value, Action) else "",
)
async def test_wherever_a_delivery_breaks_off_it_leaves_no_half_file(
    base: Base,  # noqa: F811 the fixture of that name
    account: UUID,
    openssh_server: PrivateOpenSSH,
    faults_table: Table,
    action: Action,
    places: Sequence[int],
    done: str,
) -> None:
    deadlines = IMPATIENT if action is Action.BLACK_HOLE else Deadlines()
    async with partner_on(base, account, openssh_server, home_on(openssh_server), deadlines) as partner:
        await cut_at(partner, [(at, action) for at in places])
        await goes_on(partner)
    seen = "no half file, no mark moved; tried again everything, once"
    faults_table.add("Deliveries", f"{done} at {len(places)} bytes", done=done, seen=seen, seconds=None)
