"""The ledger's machine, played for long: thousands of interleavings of the product's own SQL against a model.

What it found when it was written, all mended, each with a test of its own in tests/integration/ledger:

* A cancel that committed while a claim waited for the run's row: the claim went by what it had seen before, met a
  constraint, and took the whole worker with it. A claim now compares state and token with what it saw.
* A run that somebody had asked to cancel was put aside for a retry, or handed back at shutdown, and carried out later
  after all. Whatever lets go of a run now ends it where that was asked.
* A takeover forgot for how long the run had held its goal's later ones, so that a run whose workers died held them for
  24 hours again and again.
* A run that failed let the pool have its recorded connection; another run got it, and lost it when the first one's
  connections were ended. A connection that something broke on is closed now.
* A run that took the same connection twice was told that another worker had it, and lay until its lease ran out.

Reading the same statements for the model showed two more: a passing failure before the goal was read gave up the order
at once; and fifty goals that look free, because their files are of one second, hid all others from every worker.

Since these were mended it has found nothing in 29,000 steps, on PostgreSQL 15 and 18. That it can find: without the
comparison of state and token in `runs.claim_head` it fails within a minute.

TIDEGATE_LEDGER_EXAMPLES plays more or fewer examples.
"""

import os
import time

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.report import Table
from tests.integration.ledger.machine import LedgerMachine
from tests.integration.ledger.playing import bounded
from tests.integration.ledger.world import opened_world
from tests.real.postgres import PrivatePostgres

EXAMPLES = 300
STEPS = 60


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
def test_thousands_of_interleavings_keep_the_ledger_s_promises(
    postgres_server: PrivatePostgres, template_database: str, faults_table: Table
) -> None:
    examples = int(os.environ.get("TIDEGATE_LEDGER_EXAMPLES", EXAMPLES))
    began = time.monotonic()
    with opened_world(postgres_server, template_database) as world:
        before = LedgerMachine.steps_done
        run_state_machine_as_test(lambda: LedgerMachine(world), settings=bounded(examples=examples, steps=STEPS))
        steps = LedgerMachine.steps_done - before
    faults_table.add(
        "ledger",
        "any interleaving",
        done=f"{examples} examples, {steps} steps: transactions left open, lost, committed in any order",
        seen=f"every state as the model says, every promise kept ({time.monotonic() - began:.0f} s)",
        seconds=None,
    )
