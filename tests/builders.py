"""Makers of domain values for the tests: what a test does not name has a plain default."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.domain.consent import Declaration
from shared.domain.fields import IdentifierField, MappedField
from shared.domain.goal import ImportGoal, Source
from shared.domain.merge import MergeRule, Mode
from shared.domain.opt_in import OptIn
from shared.domain.pattern import Pattern
from shared.domain.run import ClaimedRun


def claimed_run(account_id: UUID, *, token: int = 1) -> ClaimedRun:
    """A run in the hands of a worker. The ledger does not know it."""
    now = datetime.now(UTC)
    return ClaimedRun(
        id=uuid4(),
        account_id=account_id,
        goal_id=uuid4(),
        goal_version=1,
        connection_id=uuid4(),
        arrival_id=uuid4(),
        attempt=1,
        token=token,
        queued_at=now,
        started_at=now,
    )


def import_goal(
    identifiers: tuple[str, ...] = ("email",),
    mapping: dict[str, MergeRule] | None = None,
    *,
    mode: Mode = Mode.UPSERT,
    opt_in: OptIn | None = None,
) -> ImportGoal:
    """A goal whose file has a column for each property, of the same name."""
    return ImportGoal(
        name="Nightly contacts",
        source=Source(pattern=Pattern(wildcard="contacts_*.csv")),
        identifiers=tuple(IdentifierField(field=name, property=name) for name in identifiers),
        mapping=tuple(MappedField(field=name, property=name, rule=rule) for name, rule in (mapping or {}).items()),
        mode=mode,
        opt_in=opt_in or OptIn(declaration=Declaration.UNDEFINED),
    )
