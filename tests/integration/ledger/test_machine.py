"""The ledger's machine, for as long as the suite allows; tests/faults/test_ledger_machine.py plays it for longer."""

from hypothesis.stateful import run_state_machine_as_test

from tests.integration.ledger.machine import LedgerMachine
from tests.integration.ledger.playing import bounded
from tests.integration.ledger.world import opened_world
from tests.real.postgres import PrivatePostgres


def test_any_interleaving_keeps_the_ledger_s_promises(postgres_server: PrivatePostgres, template_database: str) -> None:
    with opened_world(postgres_server, template_database) as world:
        run_state_machine_as_test(lambda: LedgerMachine(world), settings=bounded(examples=20, steps=40))
