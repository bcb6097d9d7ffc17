"""Schemathesis at length: as `tests/integration/api/test_schemathesis.py`, with many more examples."""

from collections.abc import Iterator

import pytest

from tests.faults.report import Table
from tests.integration.api.conversation import LABELS, Conversation
from tests.integration.api.served import served
from tests.real.postgres import PrivatePostgres

pytestmark = pytest.mark.xdist_group("schemathesis")

DRAWN = 150
COVERING = 300
"""Of a goal's body Schemathesis makes more than sixty thousand cases: half a day of them says no more."""


@pytest.fixture(scope="module")
def conversation(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Conversation]:
    """A gateway that is talked to at length."""
    with served(postgres_server, template_database) as gateway:
        talk = Conversation(gateway)
        yield talk
        talk.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("label", LABELS)
def test_the_gateway_answers_as_its_document_says_at_length(label: str, conversation: Conversation) -> None:
    conversation.hold(label, drawn=DRAWN, at_most=COVERING)


@pytest.mark.slow
def test_every_operation_was_asked(conversation: Conversation, faults_table: Table) -> None:
    asked = {label for label, _ in conversation.statuses}
    assert asked == set(LABELS)
    total = sum(conversation.statuses.values())
    faults_table.add(
        "gateway",
        "requests by its own document, right and wrong",
        done=f"Schemathesis asked every one of {len(asked)} operations",
        seen=f"{total:,} answers, none outside the document and none 5xx",
        seconds=None,
    )
