"""What a one-shot import's request says, by its canonical names; numbers may come as texts, as its sample has them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from services.api.one_shot.spelling import Spelled, canonical
from shared.domain.email_address import EmailAddress
from shared.domain.names import MAX_PATH_BYTES, checked_path
from shared.domain.place.server import HostName, PortNumber, UserName

DEFAULT_PORT = 21
"""As that page has it: of FTP. The failure that follows says to try 22."""
DELIMITERS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"}
_MAX_POSITION = 9_999
_DIGITS = re.compile(r"[0-9]{1,18}")


def _number(value: Any) -> Any:
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("expected a whole number, or a text of its digits")


def _small(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _path(value: str) -> str:
    """A file's path: absolute, or from the user's home directory."""
    path = value.removeprefix("./")
    if checked_path(value.removeprefix("/") if path == value else path) == "":
        raise ValueError("expected the path of a file")
    return path


def _number_schema(least: int, most: int | None) -> WithJsonSchema:
    number = {"type": "integer", "minimum": least} | ({} if most is None else {"maximum": most})
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": "^[0-9]{1,18}$"}]})


Position = Annotated[int, Field(ge=0, le=_MAX_POSITION), BeforeValidator(_number), _number_schema(0, _MAX_POSITION)]
"""Of a column, from 0."""


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class OneShotCredentials(_Sent):
    """Where the file lies, and who may read it."""

    hostname: HostName = Field(description="A name or an address, without a protocol or a port")
    username: UserName
    password: str = Field(min_length=1, max_length=16_384, repr=False)
    port: Annotated[PortNumber, BeforeValidator(_number), _number_schema(1, 65_535)] = Field(
        default=DEFAULT_PORT,
        description="`post` as well. Without one it is 21, as documented; SFTP servers listen on 22",
    )
    file: Annotated[str, Field(min_length=1, max_length=MAX_PATH_BYTES), AfterValidator(_path)] = Field(
        description="Absolute, or from the user's home directory"
    )


class OneShotSettings(_Sent):
    """How the file is imported."""

    update_duplicates: Annotated[Literal["yes", "no"], BeforeValidator(_small)] = Field(
        default="yes", description="`no`: profiles that exist stay as they are"
    )
    update_using: Annotated[Literal["none", "unique_id", "system_id"], BeforeValidator(_small)] = Field(
        default="none",
        description="What a row's profile is found by: `none` is its e-mail address, `unique_id` the property that the "
        "operator names, `system_id` the profile's id",
    )
    custom_key_position: Position | None = Field(
        default=None, description="The column of that id, from 0: with `unique_id` and `system_id`"
    )
    delimiter: Annotated[Literal["comma", "semicolon", "pipe", "tab"], BeforeValidator(_small)] = Field(
        default="comma", description="`delimeter` as well"
    )
    progress_email_address: EmailAddress | None = Field(
        default=None, description="Who gets the report; the key's own address where it is not given"
    )


class OneShotAsked(_Sent):
    """A one-shot import.

    Names go without regard to case, also as `$credentials`, `$mappings`, `$listIds` and `$settings`; a name that is
    given twice must say the same. What is left blank is as if it were not given.
    """

    credentials: OneShotCredentials
    mappings: dict[str, Position] = Field(
        max_length=400,
        description='The column of each property, from 0: `{"email": 0, "name": 2}` are the first and the third. '
        "A property goes by its name, its label or any of its aliases, without regard to case. One of type email must "
        "be mapped: the first row is taken for a header where that column holds no valid address",
    )
    list_ids: tuple[Annotated[int, Field(ge=0), BeforeValidator(_number), _number_schema(0, None)], ...] = Field(
        default=(), alias="listIds", max_length=1_000, description="Numbers of lists; an unknown one is a warning"
    )
    settings: OneShotSettings


def asked_of(body: Mapping[str, Any]) -> tuple[OneShotAsked, Spelled]:
    """What a body asks for, and how it is spelled. Raises RequestValidationError, whose pointers lead into the body."""
    spelled = canonical(body)
    asked, errors = None, list(spelled.errors)
    try:
        asked = OneShotAsked.model_validate(spelled.value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        errors += [{**each, "loc": spelled.sent(*each["loc"])} for each in found]
    if asked is None or errors:
        # Not "from error": its text holds what was sent, and that may be a secret.
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in errors], body=body) from None
    return asked, spelled
