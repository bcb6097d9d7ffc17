"""What the answers of several resources have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from services.api.problems import Problem

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No valid key"},
    403: {"model": Problem, "description": "The key lacks a scope"},
    422: {"model": Problem, "description": "The request is not valid; `errors` names the fields"},
    503: {"model": Problem, "description": "Try again after `Retry-After` seconds"},
}
"""Of every route."""

ABSENT: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such thing in this account"}}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": Problem, "description": "Does not fit the thing's state"}}
VERSIONED: dict[int | str, dict[str, Any]] = {
    412: {"model": Problem, "description": "The thing was changed in the meantime"},
    428: {"model": Problem, "description": "If-Match is missing"},
}


class Asked(BaseModel):
    """The base of request bodies: frozen, an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretShown(BaseModel):
    """All that is ever told of a secret."""

    set: bool
