"""Schemathesis with a valid key finds no 5xx and nothing outside the document, at any operation of it.

`tests/faults/test_schemathesis.py` does the same for longer.
"""

from collections.abc import Iterator

import pytest

from tests.integration.api.conversation import LABELS, Conversation
from tests.integration.api.served import served
from tests.real.postgres import PrivatePostgres


@pytest.fixture(scope="module")
def conversation(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Conversation]:
    with served(postgres_server, template_database) as gateway:
        talk = Conversation(gateway)
        yield talk
        talk.close()


@pytest.mark.parametrize("label", LABELS)
def test_the_gateway_answers_as_its_document_says(label: str, conversation: Conversation) -> None:
    conversation.hold(label, drawn=3, at_most=12)


def test_every_operation_was_asked(conversation: Conversation) -> None:
    asked = {label for label, _ in conversation.statuses}
    assert asked == set(LABELS)
    # No schema can say that a mapping's properties exist, or that a run waits: these need more than the document.
    reached = {label for label, status in conversation.statuses if status < 300}
    assert len(reached) > len(asked) / 2
