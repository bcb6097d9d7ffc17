"""What a segment comes to is all that it asks: by itself, by the segments in it, and of events."""

from uuid import uuid4

from pydantic import TypeAdapter

from shared.domain.condition import Condition, Node
from shared.domain.segment import weights

CONDITION: TypeAdapter[Node] = TypeAdapter(Condition)


def test_what_events_must_be_like_counts_too() -> None:
    inner, outer = uuid4(), uuid4()
    where = {"any": [{"property": "total", "at_least": number} for number in range(5)]}
    asks = {"any": [{"event": {"type": "order", "where": where}}, {"event": {"type": "sent"}}, {"list": 7}]}
    said = {inner: asks, outer: {"all": [{"segment": str(inner)}, {"not": {"segment": str(inner)}}, asks]}}
    found = weights({key: CONDITION.validate_python(value) for key, value in said.items()})
    assert found == {inner: (8, 1), outer: (24, 2)}
