"""Texts that PostgreSQL cannot store: NUL characters and halves of surrogate pairs. JSON and URLs can carry both."""

from urllib.parse import parse_qsl

from services.api.problems import FieldError

UNSTORABLE = "Found a NUL character or half of a surrogate pair, which cannot be stored."


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store it."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def flaw_of_query(query: bytes) -> FieldError | None:
    """The first parameter of a query that is not UTF-8, cannot be stored or is given twice; None where all is well.

    Of two values for one parameter somebody would have to choose; nobody here guesses.
    """
    seen: set[str] = set()
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="surrogateescape"):
        if not is_storable(name + value):
            pointer = "?" + name.encode("utf-8", "replace").decode()
            return FieldError(pointer=pointer, code="invalid_value", detail=f"{UNSTORABLE} Or it is not UTF-8.")
        if name in seen:
            return FieldError(pointer=f"?{name}", code="duplicate_field", detail="The parameter is given twice.")
        seen.add(name)
    return None
