"""The bodies of goals as clients send them, in several shapes, and as they are shown."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body
from pydantic import BaseModel, Discriminator, Field, Tag, TypeAdapter

from services.api.from_sample import FROM_SAMPLE, GoalFromSample
from services.api.leading import FROM_IMPORT, GoalFromImport
from shared.domain.export_goal import ExportProfiles
from shared.domain.export_groups import ExportGroups
from shared.domain.export_kinds import ExportSubscribers, ExportUnsubscribes
from shared.domain.export_messages import ExportResponses, ExportSms
from shared.domain.goal import AnyGoal, ImportEvents, ImportGoal
from shared.storage.goals import StoredGoal

SentGoal = Annotated[AnyGoal, Body(discriminator="kind")]


def _shape(body: Any) -> str | None:
    """Which of the shapes of a new goal a body has."""
    if not isinstance(body, dict):
        return None
    return next((each for each in (FROM_SAMPLE, FROM_IMPORT) if each in body), body.get("kind"))


NewGoal = Annotated[
    Annotated[ImportGoal, Tag("import_profiles")]
    | Annotated[ImportEvents, Tag("import_events")]
    | Annotated[ExportProfiles, Tag("export_profiles")]
    | Annotated[ExportSubscribers, Tag("export_subscribers")]
    | Annotated[ExportUnsubscribes, Tag("export_unsubscribes")]
    | Annotated[ExportGroups, Tag("export_groups")]
    | Annotated[ExportResponses, Tag("export_responses")]
    | Annotated[ExportSms, Tag("export_sms")]
    | Annotated[GoalFromSample, Tag(FROM_SAMPLE)]
    | Annotated[GoalFromImport, Tag(FROM_IMPORT)],
    Discriminator(_shape),
]


class _Stored(BaseModel):
    id: UUID
    connection_id: UUID
    version: int
    created_at: datetime
    next_due_at: datetime | None = Field(
        description="When it is next carried out by itself, as far as that is known: at one of its times, or when the "
        "responses to a message have ceased. null where nothing is due: also of a goal that follows another, and where "
        "goal or connection is switched off"
    )


class ImportGoalShown(ImportGoal, _Stored):
    """An import as it is stored."""


class ImportEventsShown(ImportEvents, _Stored):
    """An import of events as it is stored."""


class ExportProfilesShown(ExportProfiles, _Stored):
    """An export of profiles as it is stored."""


class ExportSubscribersShown(ExportSubscribers, _Stored):
    """An export of subscribers as it is stored."""


class ExportUnsubscribesShown(ExportUnsubscribes, _Stored):
    """An export of unsubscribes as it is stored."""


class ExportGroupsShown(ExportGroups, _Stored):
    """An export of groups as it is stored."""


class ExportResponsesShown(ExportResponses, _Stored):
    """An export of response data as it is stored."""


class ExportSmsShown(ExportSms, _Stored):
    """An export of what became of SMS as it is stored."""


GoalShown = Annotated[
    ImportGoalShown
    | ImportEventsShown
    | ExportProfilesShown
    | ExportSubscribersShown
    | ExportUnsubscribesShown
    | ExportGroupsShown
    | ExportResponsesShown
    | ExportSmsShown,
    Discriminator("kind"),
]
_SHOWN: TypeAdapter[GoalShown] = TypeAdapter(GoalShown)


def shown_goal(stored: StoredGoal, next_due_at: datetime | None) -> GoalShown:
    """A goal as the API shows it."""
    return _SHOWN.validate_python(
        {
            **stored.goal.model_dump(by_alias=True),
            "id": stored.id,
            "connection_id": stored.connection_id,
            "version": stored.version,
            "created_at": stored.created_at,
            "next_due_at": next_due_at,
        }
    )
