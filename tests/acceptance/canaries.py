"""Canaries: texts that occur nowhere else, planted where secrets and personal data stand, and searched in all output.

A canary is found also in base64, hexadecimal and quoted for a URL, and whatever its case. Nothing here knows the road.
"""

import base64
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote


def _forms(text: str) -> list[str]:
    """How a text may look in output; in lower case."""
    raw = text.encode()
    found = [text, quote(text, safe=""), raw.hex()]
    for before in range(3):
        # Depending on where in a triple of bytes it begins, another part of it keeps its shape in base64.
        packed = base64.b64encode(b"\0" * before + raw).decode()
        first, last = (0, 2, 3)[before], len(packed) - (4 if (before + len(raw)) % 3 else 0)
        found += [packed[first:last], packed[first:last].replace("+", "-").replace("/", "_")]
    return [each.lower() for each in found]


@dataclass
class Canaries:
    """What was planted, by kind."""

    texts: dict[str, str] = field(default_factory=dict)

    def plant(self, kind: str, text: str | None = None) -> str:
        """A new canary of a kind: letters and digits, or the text that is one already."""
        planted: str = text or f"cnry{len(self.texts):02}{secrets.token_hex(6)}"
        assert kind not in self.texts, kind
        assert len(planted) >= 12, "shorter ones may be found by chance"
        self.texts[kind] = planted
        return planted

    def phone(self, kind: str) -> str:
        """A telephone number as a canary."""
        return self.plant(kind, "+31" + "".join(secrets.choice("23456789") for _ in range(11)))

    def seen_in(self, chunks: Iterable[str | bytes]) -> set[str]:
        """The kinds of which a canary stands in these texts."""
        everything = "\n".join(
            each if isinstance(each, str) else each.decode("utf-8", "replace") for each in chunks
        ).lower()
        # Mails are wrapped, and quoted-printable wraps within words.
        flat = re.sub(r"=\r?\n|\r?\n[ \t]*", "", everything)
        return {
            kind
            for kind, text in self.texts.items()
            if any(form in everything or form in flat for form in _forms(text))
        }
