"""Files as the importer has them once they were fetched, for tests of what it reads out of them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from services.importer.order import Order
from services.importer.pages import Fetched
from shared.domain.openpgp_key import Bundle
from tests.unit.processing.goals import goal, properties

EMAIL = [{"field": "email", "property": "email"}]
NAME = [{"field": "name", "property": "name"}]


def fetched(directory: Path, content: str | bytes, settings: dict[str, Any]) -> Fetched:
    """A file of that content, for a goal of these settings that maps its address and its name."""
    file = directory / "file"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    known = {
        "goal": goal(**({"identifiers": EMAIL, "mapping": NAME} | settings)),
        "properties": tuple(
            each.model_copy(update={"label": "Full name"}) if each.name == "name" else each
            for each in properties("email", email="email", name="text", points="text")
        ),
        "bundle": Bundle(),
        "known_columns": frozenset(),
    }
    # Where the file came from makes no difference to what it is.
    order = Order(**dict.fromkeys((each.name for each in fields(Order)), None) | known)
    return Fetched(file, order, directory, 1 << 20)
