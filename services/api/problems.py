"""The one table failure -> HTTP status, and answers in RFC 9457's problem details.

A validation error names the field by an RFC 6901 pointer and never repeats what was sent: it may be a secret.
Another account's thing is answered like one that does not exist, byte for byte.
"""

import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from services.api.pointers import pointer_of
from shared.domain import failures
from shared.domain.failures import Failure
from shared.domain.reject import MESSAGES
from shared.processing.goal_flaws import FLAW_CODES
from shared.storage.errors import TransactionConflict

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
MAX_ERRORS = 100
"""Told of one request at most: what is wrong with a body may be far longer than the body."""
_FRAMES = 8

STATUS: dict[type[Failure], int] = {
    failures.NotFound: 404,
    failures.NoSuchMethod: 405,
    failures.RequestTooSlow: 408,
    failures.Conflict: 409,
    failures.GoalInactive: 409,
    failures.InBlackout: 409,
    failures.VersionStale: 412,
    failures.RequestTooLarge: 413,
    failures.FileTooLarge: 413,
    failures.AddressTooLong: 414,
    failures.UnsupportedMediaType: 415,
    failures.GoalFailure: 422,
    failures.UnsupportedKey: 422,
    failures.InvalidRequest: 422,
    failures.AddressRefused: 422,
    failures.PreviewTooSlow: 422,
    failures.SegmentTooSlow: 422,
    failures.VersionRequired: 428,
    failures.RateExceeded: 429,
    failures.HeadersTooLarge: 431,
    failures.Unauthenticated: 401,
    failures.ScopeMissing: 403,
    failures.TooBusy: 503,
    failures.Transient: 503,
}
"""By the nearest class; a failure that stands under none of these is our own mistake, 500."""

FIELD_CODES: dict[str, str] = {
    "missing_field": "The field must be given.",
    "unknown_field": "There is no such field.",
    "wrong_type": "The value is of another type than the field.",
    "out_of_bounds": "The value is too small, too large, too short or too long.",
    "invalid_value": "The value is not one that the field takes.",
    "foreign_cursor": "This is no cursor of this list with these filters; give next_cursor of the page before.",
    "malformed_json": "The body is not JSON in UTF-8.",
    "duplicate_field": "The field is given twice.",
    "inexact_number": "The number has more digits than a JSON number can carry exactly; send it as a string.",
    "nested_too_deep": "The body is nested deeper than 64 levels.",
    "open_question": "The sample can be read in more than one way, and this question about it is not answered.",
    "unknown_message": "The account has no such message of the kind that the event type refers to.",
    "unknown_profile": "The domain group has no such profile.",
    "too_many_values": "The body holds more than 50,000 values.",
    **FLAW_CODES,
}

_BASES = (
    failures.Failure,
    failures.Permanent,
    failures.Transient,
    failures.FileFailure,
    failures.UnsafeArchive,
    failures.GoalFailure,
    failures.PartnerFailure,
    failures.HostKeyFailure,
    failures.RequestFailure,
)


class FieldError(BaseModel):
    """What is wrong with one field."""

    pointer: str = Field(
        description="RFC 6901 pointer into the body; `?name` for a parameter, `header:Name` for a header"
    )
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="urn:tidegate:problem:<code>")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; the list stands in the description of this document")
    what_to_do: str = ""
    errors: list[FieldError] = Field(default=[], description="At most 100")


class Refused(Exception):
    """A failure with the fields that led to it."""

    def __init__(self, failure: Failure, errors: Sequence[FieldError]) -> None:
        self.failure = failure
        self.errors = list(errors)
        super().__init__(failure.code)


def catalogue() -> dict[str, str]:
    """Every code there is, with its sentence: failures, fields, rejects."""
    found: dict[str, str] = {}
    for failure in (*vars(failures).values(), TransactionConflict):
        if isinstance(failure, type) and issubclass(failure, Failure) and failure not in _BASES:
            found[failure.code] = failure().sentence
    return found | FIELD_CODES | {code.value: sentence for code, sentence in MESSAGES.items()}


def status_of(failure: Failure) -> int:
    """The HTTP status of a failure, by its nearest class in the table."""
    return next((STATUS[kind] for kind in type(failure).__mro__ if kind in STATUS), 500)


def answer(failure: Failure, errors: Sequence[FieldError] = ()) -> Response:
    """The response that tells of a failure."""
    status = status_of(failure)
    if status == 500:
        # What is our own mistake is nobody's business outside; the log has it.
        failure = failures.InternalError()
    problem = Problem(
        type=f"urn:tidegate:problem:{failure.code}",
        title=failure.sentence,
        status=status,
        detail=failure.detail,
        code=failure.code,
        what_to_do=failure.what_to_do,
        errors=list(errors),
    )
    return Response(problem.model_dump_json(), status, _headers(failure, status), media_type=MEDIA_TYPE)


def install(app: FastAPI, routers: Iterable[APIRouter] = ()) -> None:
    """Answer every failure of a request with problem details. `routers` are asked what a path can do."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return answer(failures.NotFound())
        if error.status_code == 405:
            return _no_such_method(request.scope["path"], routes, error)
        return answer(failures.InvalidRequest())

    app.add_exception_handler(Failure, _failed)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, _broken)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)
    if status_of(error) == 500:
        log.error("request.failed", route=route_of(request.scope), code=error.code)
    return answer(error)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return answer(error.failure, error.errors)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["loc"][0] == "path" for each in found):
        # No thing has such an identity, so it is like any other that does not exist.
        return answer(failures.NotFound())
    return answer(failures.InvalidRequest(), [_field_error(each, error.body) for each in found[:MAX_ERRORS]])


def _no_such_method(path: str, routes: Iterable[APIRoute], error: HTTPException) -> Response:
    """All methods that the path has (RFC 9110, 15.5.6); a route that only nearly fits tells its own alone."""
    found = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    told = answer(failures.NoSuchMethod())
    told.headers["Allow"] = ", ".join(sorted(found)) or (error.headers or {}).get("Allow", "")
    return told


async def _broken(request: Request, error: Exception) -> Response:
    # Type and place alone: the text of a driver's error may hold values of a row.
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]]
    log.error("request.broke", route=route_of(request.scope), error=type(error).__name__, where=places)
    return answer(failures.InternalError())


def route_of(scope: Mapping[str, Any]) -> str:
    """The path template of a request, which is a closed list."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "none"


def _field_error(error: Mapping[str, Any], body: Any) -> FieldError:
    place, *location = error["loc"]
    code = _code_of(error["type"])
    if place == "query":
        pointer = "?" + ".".join(str(step) for step in location)
    else:
        pointer = pointer_of(location, body, names_absent=code == "missing_field")
    detail = FIELD_CODES[code] if code == "malformed_json" else _sentence(error["msg"])
    return FieldError(pointer=pointer, code=code, detail=detail)


def _code_of(kind: str) -> str:
    if kind in ("missing", "union_tag_not_found"):
        return "missing_field"
    if kind == "extra_forbidden":
        return "unknown_field"
    if kind == "json_invalid":
        return "malformed_json"
    if kind.endswith(("_type", "_parsing", "_attributes_type")):
        return "wrong_type"
    if kind.startswith(("greater_than", "less_than", "string_too", "too_", "bytes_too")):
        return "out_of_bounds"
    return "invalid_value"


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")


def _headers(failure: Failure, status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    seconds = failure.retry_after_seconds or (RETRY_AFTER_SECONDS if status == 503 else None)
    return {} if seconds is None else {"Retry-After": str(seconds)}
