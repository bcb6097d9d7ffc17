"""Where files come from that clients send to the gateway."""

from typing import Literal

from shared.domain.model import Model


class ManualPlace(Model):
    """Where files come from that clients send to the gateway: each account has one such connection, made when needed.

    Nobody looks there; its goals are the settings of manual imports, one goal a name.
    """

    transport: Literal["manual"] = "manual"

    @property
    def whom(self) -> tuple[object, ...]:
        """Whom the secrets are meant for; it has none."""
        return (self.transport,)
