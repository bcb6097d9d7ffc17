"""asyncpg's exceptions, translated where the driver lives: above this floor nobody knows them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg

from shared.domain.failures import StorageUnavailable

# Same transaction, run again from its start, may go through: serialization failure, deadlock, a lock not had in
# time, and a cached statement made stale by a new column.
_CONFLICTS = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCachedStatementError,
)
_OUTAGES = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # A server that was never migrated has no such role and perhaps no such database. It says of a missing role what it
    # says of a wrong password, which may also have been changed a moment ago: waiting is right for all of them.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    OSError,
    TimeoutError,
)


class TransactionConflict(StorageUnavailable):
    """Another transaction was in the way; the same one may go through when it is repeated."""

    code = "transaction_conflict"


@contextmanager
def translated() -> Iterator[None]:
    """Raise StorageUnavailable for an outage and TransactionConflict for a conflict; all else passes."""
    try:
        yield
    except _CONFLICTS as error:
        raise TransactionConflict(type(error).__name__) from error
    except _OUTAGES as error:
        # The type says what happened; the text may name hosts and users.
        raise StorageUnavailable(type(error).__name__) from error


@contextmanager
def identifiers_guarded() -> Iterator[None]:
    """Raise TransactionConflict where another transaction took an identifier that was free when we looked."""
    try:
        yield
    except asyncpg.UniqueViolationError:
        # Not "from error": its text holds the identifier, and what is logged must not.
        raise TransactionConflict("another transaction took an identifier of this file meanwhile") from None


@contextmanager
def names_guarded() -> Iterator[None]:
    """Raise TransactionConflict where another transaction took a name that was free when we looked."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise TransactionConflict("another transaction took the name meanwhile") from error


@dataclass(slots=True)
class Attempt:
    """Whether what was tried went through."""

    went_through: bool = False


@contextmanager
def busy_allowed() -> Iterator[Attempt]:
    """Try for a lock; one that another transaction holds is no error, but the attempt did not go through."""
    attempt = Attempt()
    try:
        yield attempt
    except asyncpg.LockNotAvailableError:
        return
    attempt.went_through = True
