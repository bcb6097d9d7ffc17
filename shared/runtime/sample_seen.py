"""What is known of a sample so far; the steps of looking at it add to it one after the other."""

from dataclasses import dataclass, field
from typing import Any

from shared.domain.asking import Asking
from shared.domain.findings import Findings, Found, FoundDialect, Looked, Trouble


@dataclass
class Seen:
    """The findings of one sample while they grow."""

    name: str
    size_bytes: int
    opened: tuple[str, ...] = ()
    """What was taken off before it could be looked at."""
    packing: Found[str] = field(default_factory=lambda: Found(value="none"))
    members: Found[str] | None = None
    sheet: Found[str] | None = None
    format: Found[str] | None = None
    encoding: Found[str] | None = None
    confidence: float | None = None
    dialect: FoundDialect | None = None
    rows: int = 0
    whole: bool = True
    unreadable: dict[str, int] = field(default_factory=dict)
    sample_rows: tuple[tuple[str, ...], ...] = ()
    proposed: dict[str, Any] = field(default_factory=dict)
    trouble: Trouble | None = None

    def start_again(self) -> None:
        """Forget the rows of another reading."""
        self.rows, self.whole, self.unreadable = 0, True, {}

    def findings(self, asking: Asking) -> Findings:
        """What has been found."""
        return Findings(
            name=self.name,
            looked=Looked(size_bytes=self.size_bytes, rows=self.rows, whole=self.whole, unreadable=self.unreadable),
            packing=self.packing,
            members=self.members,
            sheet=self.sheet,
            format=self.format,
            encoding=self.encoding,
            confidence=self.confidence,
            dialect=self.dialect,
            sample_rows=self.sample_rows,
            questions=tuple(asking.questions),
            remarks=tuple(asking.remarks),
            trouble=self.trouble,
            unused_answers=asking.unused,
            **self.proposed,
        )
