"""Files that are sent to the gateway: they stream into the database, counted and hashed, and no one holds them whole.

The body is the file as it is (`application/octet-stream`), and its name a parameter of the query: what any client can
stream, without the framing of multipart. Nothing here looks at what the bytes mean.
"""

from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator

from services.api.access import Visit
from services.api.problems import FieldError, Refused
from shared.domain.failures import FileTooLarge, InvalidRequest
from shared.storage import kept_files
from shared.storage.kept_files import Incoming, KeptFile, Kind

MEDIA_TYPE = "application/octet-stream"


def _is_shown(name: str) -> str:
    if not name.isprintable():
        raise ValueError("expected printable characters")
    return name


FileName = Annotated[
    str,
    Query(min_length=1, max_length=255, description="With a file: what it is called; only a name"),
    AfterValidator(_is_shown),
]


def body_of(*, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the document says of a body that is a file, or JSON of that schema instead."""
    content: dict[str, Any] = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    if schema is not None:
        content = {"application/json": {"schema": schema}, **content}
    return {"requestBody": {"required": True, "content": content}}


def refuse_beside_json(**parameters: object) -> None:
    """Raises Refused where parameters of the query are given that tell of a file, and the body is none."""
    detail = "It belongs to a file that is sent; the body names one that is there."
    given = [name for name, value in parameters.items() if value is not None]
    if given:
        errors = [FieldError(pointer=f"?{name}", code="invalid_value", detail=detail) for name in given]
        raise Refused(InvalidRequest(), errors)


async def received(visit: Visit, kind: Kind, name: str | None, keep_seconds: float) -> KeptFile:
    """The request's body, kept for so long unless it is prolonged (`kept_files.keep_longer`).

    Raises FileTooLarge, TooMuchKept, RequestTooSlow, Refused without a name, and AnsweredBefore for a request
    with an Idempotency-Key that came before with the same file.
    """
    if name is None:
        detail = "Expected what the file is called."
        raise Refused(InvalidRequest(), [FieldError(pointer="?name", code="missing_field", detail=detail)])
    limits = visit.tools.limits
    most = limits.sample_bytes if kind == "sample" else limits.upload_bytes
    said = visit.request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > most:
        raise FileTooLarge(f"At most {most:,} bytes are taken.")
    database, account_id = visit.tools.database, visit.caller.account_id
    incoming = Incoming(kind, name, most, keep_seconds, limits.kept_bytes)
    kept = await kept_files.keep(database, account_id, incoming, visit.request.stream())
    is_new = False
    try:
        await visit.know_file(kept.sha256)
        is_new = True
    finally:
        if not is_new:
            await kept_files.discard(database, account_id, kept.id)
    return kept
