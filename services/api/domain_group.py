"""The domain group that a request names."""

from services.api.problems import FieldError, Refused
from shared.domain.failures import InvalidGoal, InvalidRequest
from shared.storage import domain_groups
from shared.storage.database import Tx


async def number_named(tx: Tx, name: str, pointer: str) -> int:
    """The number of a domain group. Raises Refused, with the pointer to where it is named."""
    try:
        return await domain_groups.number_of(tx, name)
    except InvalidGoal as failure:
        error = FieldError(pointer=pointer, code="unknown_domain_group", detail=failure.detail)
        raise Refused(InvalidRequest(), [error]) from failure
