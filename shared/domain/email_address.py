"""E-mail addresses of people who get receipts. Addresses of contacts are data, and typed in shared/processing."""

from typing import Annotated

from pydantic import AfterValidator, EmailStr


def _plain(value: str) -> str:
    # Mail libraries decode RFC 2047 words in addresses, line breaks and all: such an address could add headers.
    if "=?" in value:
        raise ValueError("found an encoded word, expected a plain e-mail address")
    return value


EmailAddress = Annotated[EmailStr, AfterValidator(_plain)]
