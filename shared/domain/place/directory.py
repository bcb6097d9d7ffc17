"""A place in a directory that the operator has mounted where the services run."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from shared.domain.model import Model
from shared.domain.names import Directory

DirectoryName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}\z")]
"""What the operator calls a directory of the machine; where it lies is the operator's alone to know."""


class DirectoryPlace(Model):
    """A local or mounted directory that the operator offers, and lets this account use."""

    transport: Literal["directory"]
    root: DirectoryName
    home_directory: Directory = ""

    @property
    def whom(self) -> tuple[object, ...]:
        """Whom the secrets are meant for; it has none."""
        return (self.transport,)
