"""Schemathesis at length: as `tests/integration/api/test_schemathesis.py`, with many more examples."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.faults.report import Table
from tests.integration.api.conversation import Conversation, schema_with
from tests.integration.api.served import served
from tests.real.postgres import PrivatePostgres

pytestmark = pytest.mark.xdist_group("schemathesis")

SCHEMA = schema_with(examples=150)


@pytest.fixture(scope="module")
def conversation(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Conversation]:
    """A gateway that is talked to at length."""
    with served(postgres_server, template_database) as gateway:
        talk = Conversation(gateway)
        yield talk
        talk.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@SCHEMA.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_gateway_answers_as_its_document_says_at_length(case: Any, conversation: Conversation) -> None:
    conversation.say(case)


@pytest.mark.slow
def test_every_operation_was_asked(conversation: Conversation, faults_table: Table) -> None:
    asked = {label for label, _ in conversation.statuses}
    assert asked == {each.ok().label for each in SCHEMA.get_all_operations()}
    total = sum(conversation.statuses.values())
    faults_table.add(
        "gateway",
        "requests by its own document, right and wrong",
        done=f"Schemathesis asked every one of {len(asked)} operations",
        seen=f"{total:,} answers, none outside the document and none 5xx",
        seconds=None,
    )
