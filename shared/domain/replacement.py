"""What a match is replaced by: text in which `$1` to `$20` are groups, `$0` is the whole match and `$$` a dollar."""

import re
from functools import lru_cache

MAX_REFERENCES = 10

_PART = re.compile(r"\$(\$|[0-9]{1,2})?|[^$]+")


@lru_cache(maxsize=256)
def replacement(text: str) -> tuple[str | int, ...]:
    """The parts in order: text, or a group's number. Raises ValueError with what was found."""
    parts: list[str | int] = []
    for found in _PART.finditer(text):
        if not found[0].startswith("$"):
            parts.append(found[0])
        elif found[1] is None:
            raise ValueError("found '$' without a group's number, expected '$1', or '$$' for the sign itself")
        else:
            parts.append("$" if found[1] == "$" else int(found[1]))
    if sum(isinstance(part, int) for part in parts) > MAX_REFERENCES:
        raise ValueError(f"found more than {MAX_REFERENCES} groups in what a match is replaced by")
    return tuple(parts)


def for_rust(text: str) -> str:
    """In the notation of Rust's engine."""
    return "".join(part.replace("$", "$$") if isinstance(part, str) else f"${{{part}}}" for part in replacement(text))
