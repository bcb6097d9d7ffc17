"""A place that we host ourselves."""

from typing import Literal
from uuid import UUID

from shared.domain.model import Model


class HostedPlace(Model):
    """A drop folder that Tidegate itself hosts."""

    transport: Literal["hosted"]
    drop_folder_id: UUID

    @property
    def whom(self) -> tuple[object, ...]:
        """Whom the secrets are meant for; it has none, and none may follow to another folder."""
        return (self.transport, self.drop_folder_id)
