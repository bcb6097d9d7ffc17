"""What may stand between the groups of a number's digits."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _groups(text: str) -> str:
    if text in "0123456789+-\0":
        raise ValueError("groupChar must be no digit and no sign")
    return text


GroupChar = Annotated[str, StringConstraints(min_length=1, max_length=1), AfterValidator(_groups)]


def demand_two(decimal_char: str | None, group_char: str | None) -> None:
    """Raise ValueError where both are one character."""
    if group_char is not None and group_char == decimal_char:
        raise ValueError("groupChar and decimalChar must differ")
