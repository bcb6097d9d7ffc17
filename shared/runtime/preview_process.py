"""Read a file's first rows as a goal would, in a process of its own (`apart.py`): order and answer are JSON."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from shared.domain.goal import AnyImport
from shared.domain.model import Model
from shared.domain.property import Property
from shared.runtime.apart import serve
from shared.runtime.preview import Asked, preview

MODULE = "shared.runtime.preview_process"


class PreviewOrder(Model):
    """What `preview` is to be told."""

    file: Path
    goal: Annotated[AnyImport, Field(discriminator="kind")]
    properties: tuple[Property, ...]
    passwords: tuple[str, ...]
    rows: int
    workspace: Path
    max_bytes: int


def carry_out(order: bytes) -> bytes:
    """A preview for an order."""
    asked = PreviewOrder.model_validate_json(order)
    return preview(Asked(**dict(asked))).model_dump_json().encode()


if __name__ == "__main__":
    serve(carry_out)
