"""Goals that a manual import leads: made from it, kept to it, given to another one.

`from_import` is asked once and takes the import's settings; `led_by` is what a goal says from then on. A goal that is
led says what its import said: whoever wants it otherwise takes `led_by` away, so nothing leads in name only.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, StrictBool, TypeAdapter, ValidationError

from services.api.problems import FieldError, Refused
from shared.domain.absent import Absent, Guards
from shared.domain.failures import ImportNotCompleted, InvalidGoal, NotFound
from shared.domain.goal import ImportGoal, LedBy, Source
from shared.domain.goal_base import Feedback
from shared.domain.leading import NEVER_TAKEN, astray, led
from shared.domain.model import Model
from shared.domain.returned import ReturnedRejects
from shared.domain.unpack import Unpack
from shared.storage import leading
from shared.storage.database import Tx

FROM_IMPORT = "from_import"
_ID: TypeAdapter[UUID] = TypeAdapter(UUID)


class GoalFromImport(Model):
    """A goal that a manual import leads; what is not said here is as the import said it.

    But for `full_file`, `absent` and `guards`: whether a file holds everybody is each sender's to say.
    """

    kind: Literal["import_profiles"] = "import_profiles"
    from_import: UUID = Field(description="A manual import that has completed: `id` in `/v1/imports`")
    latest: StrictBool = Field(
        default=False, description="Whether a later import of the same name leads as soon as it has completed"
    )
    name: str = Field(min_length=1, max_length=200)
    active: StrictBool = True
    position: int = Field(default=1, ge=0, le=10_000)
    source: Source
    unpack: Unpack | None = None
    feedback: Feedback | None = None
    duplicate_content: Literal["skip", "ask", "import"] | None = None
    allow_empty_file: StrictBool | None = None
    hold_order_for_seconds: int | None = Field(default=None, ge=0, le=30 * 86_400)
    full_file: StrictBool = False
    absent: Absent = Absent()
    guards: Guards = Guards()
    rejects: ReturnedRejects | None = None


async def settings_from(tx: Tx, asked: GoalFromImport) -> dict[str, Any]:
    """What the goal says that was asked for, in JSON. Raises Refused."""
    import_ = await _leader(tx, asked.from_import, f"/{FROM_IMPORT}")
    led_by = LedBy(import_id=asked.from_import, latest=asked.latest)
    # As it was sent: what was not sent of a source is completed by its place.
    own = asked.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={FROM_IMPORT, "latest"})
    own = {name: value for name, value in own.items() if value is not None}
    said = import_.model_dump(mode="json", by_alias=True, exclude=set(NEVER_TAKEN))
    return {**said, **own, "led_by": led_by.model_dump(mode="json")}


async def led_anew(tx: Tx, goal: ImportGoal, import_id: Any) -> ImportGoal:
    """The goal with another import to lead it. Raises Refused."""
    try:
        sent = _ID.validate_python(import_id)
    except ValidationError:
        detail = "Expected the identifier of a manual import."
        error = FieldError(pointer=f"/{FROM_IMPORT}", code="invalid_value", detail=detail)
        raise Refused(InvalidGoal(), [error]) from None
    latest = goal.led_by is not None and goal.led_by.latest
    return led(goal, LedBy(import_id=sent, latest=latest), await _leader(tx, sent, f"/{FROM_IMPORT}"))


async def require_led(tx: Tx, goal: ImportGoal) -> None:
    """Raises Refused where a goal says something else than the import that leads it."""
    if goal.led_by is None:
        return
    import_ = await _leader(tx, goal.led_by.import_id, "/led_by/import_id")
    errors = [
        FieldError(
            pointer=f"/{name}",
            code="led_by_import",
            detail="It is not what the leading import says; give from_import to take its settings, or led_by null.",
        )
        for name in astray(goal, import_)
    ]
    if errors:
        raise Refused(InvalidGoal(), errors)


async def _leader(tx: Tx, import_id: UUID, pointer: str) -> ImportGoal:
    try:
        return await leading.leader(tx, import_id)
    except NotFound as failure:
        error = FieldError(pointer=pointer, code="unknown_import", detail=failure.detail)
        raise Refused(InvalidGoal(), [error]) from failure
    except ImportNotCompleted as failure:
        error = FieldError(pointer=pointer, code=failure.code, detail=failure.detail)
        raise Refused(failure, [error]) from failure
