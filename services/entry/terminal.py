"""What partners wrote, on a terminal: names and values are shown as they are, and neither obeyed nor read as markup."""

from rich.text import Text

SHOWN_CHARACTERS = 60
_LONGEST_ESCAPE = 10


def harmless(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Text that a terminal shows and does not obey. Given to rich as a `Text`, it is no markup either."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def whole(text: str) -> Text:
    """All of a text, for a table: `[bold]x.csv` is a name like others."""
    return Text(harmless(text, _LONGEST_ESCAPE * len(text)))
