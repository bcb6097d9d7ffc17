"""What every message has. Readers ignore fields they do not know, so that new senders do not stop old readers."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A past fact, told to whom it may concern. Everything may come twice; nothing is done twice."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: ClassVar[str]
    """Routing key, with the version: an additional optional field keeps it, anything else is a new class."""

    message_id: UUID
    occurred_at: datetime
    account_id: UUID
    traceparent: str | None = None
    """W3C Trace Context, level 1."""
