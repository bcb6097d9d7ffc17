"""What every goal has, whichever way its files go."""

from typing import Literal

from pydantic import Field, StrictBool

from shared.domain.blackout import Blackouts
from shared.domain.email_address import EmailAddress
from shared.domain.model import Model


class Feedback(Model):
    """Who gets the receipt."""

    emails: tuple[EmailAddress, ...] = Field(default=(), max_length=20)
    when: Literal["always", "problems", "never"] = "always"


class GoalBase(Model):
    """What every goal has."""

    name: str = Field(min_length=1, max_length=200)
    domain_group: str = "default"
    feedback: Feedback = Feedback()


class Ordered(GoalBase):
    """A goal among those of its connection: switched on or off, and when its turn is."""

    active: StrictBool = Field(
        default=True,
        description="Switched off (paused), nothing of it is begun: its files are not taken, its times pass, its "
        "queued runs wait (`paused`). A run in hand goes on",
    )
    position: int = Field(default=1, ge=0, le=10_000)
    blackouts: Blackouts = Field(
        default=(),
        description="Windows in which nothing of it is begun, beside those of its connection: files, times and runs "
        "wait (`blackout`) until they end. A run in hand goes on",
    )
