"""What every failure has, and the two kinds of them: those that stay, and those that pass."""

from typing import ClassVar


class Failure(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "failure"
    what_to_do: ClassVar[str] = ""
    retry_after_seconds: int | None = None
    """When to ask again, where that can be said."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(f"{self.sentence} {detail}".strip())

    @property
    def sentence(self) -> str:
        """The docstring's first line, which is what people read."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


class Permanent(Failure):
    """Trying again without a change would fail again."""

    code = "permanent"


class Transient(Failure):
    """The world is unwell; the same attempt may succeed later."""

    code = "transient"
    what_to_do = "Nothing: Tidegate tries again by itself and tells you if it gives up."
