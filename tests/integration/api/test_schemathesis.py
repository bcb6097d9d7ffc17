"""Schemathesis with a valid key finds no 5xx and nothing outside the document, at any operation of it.

`tests/faults/test_schemathesis.py` does the same for longer.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.integration.api.conversation import Conversation, schema_with
from tests.integration.api.served import served
from tests.real.postgres import PrivatePostgres

SCHEMA = schema_with(examples=3)


@pytest.fixture(scope="module")
def conversation(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Conversation]:
    with served(postgres_server, template_database) as gateway:
        talk = Conversation(gateway, at_most=30)
        yield talk
        talk.close()


@SCHEMA.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_gateway_answers_as_its_document_says(case: Any, conversation: Conversation) -> None:
    conversation.say(case)


def test_every_operation_was_asked(conversation: Conversation) -> None:
    asked = {label for label, _ in conversation.statuses}
    assert asked == {each.ok().label for each in SCHEMA.get_all_operations()}
    # No schema can say that a mapping's properties exist, or that a run waits: these need more than the document.
    reached = {label for label, status in conversation.statuses if status < 300}
    assert len(reached) > len(asked) / 2
