"""What a word about consent does to a profile: the one place that says it, as fragments of SQL and as an update.

A word is a yes, a no or nothing, with the time when it was said where a file states it, else the time when it was
heard. A no always applies: it makes an undefined, consenting or bounced profile an unsubscribed one, and leaves a
weightier suppression its reason. A yes applies where nothing suppresses the profile, or where it may lift what does.
What was said before changes nothing, but for its time where a later one is stated. Several words of a file about one
profile are one: see `folded`. Nothing here reads a file, or runs anything but `unsubscribe`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.consent import Resubscribe, Suppression
from shared.storage.database import Tx
from shared.storage.statements import statement

WRITTEN = ("opt_in", "consent_at", "consent_source", "suppression", "suppressed_at")
"""The columns of a profile that a word changes."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as SQL: expressions beside a stored profile `p`."""

    says: str
    """boolean; null where nothing is said."""
    at: str = "NULL::timestamptz"
    """When it was said, as far as that is stated."""
    heard_at: str = "NULL::timestamptz"
    """When, where it is not."""
    source: str = "NULL::text"
    resubscribe: Resubscribe = Resubscribe.NEVER

    @property
    def changes(self) -> str:
        """Whether the word changes the profile; null stands for no."""
        return f"({self._filled('consents')} OR {self._filled('withdraws')})"

    @property
    def withdraws(self) -> str:
        """Whether the word is a no that changes the profile; null stands for no."""
        return self._filled("withdraws")

    def after(self, column: str) -> str:
        """What the profile has in one of the columns `WRITTEN` after the word."""
        return self._filled(column)

    def initial(self, column: str) -> str:
        """What a new profile has in one of them."""
        return self._filled(f"new_{column}")

    @property
    def folded(self) -> str:
        """One word for those of all rows `s` of a profile, as an aggregate."""
        return self._filled(f"folded_{self.resubscribe}")

    @property
    def folded_at(self) -> str:
        """When that was said."""
        if self.resubscribe is Resubscribe.ALWAYS:
            return self._filled("folded_at_always")
        return self._filled("folded_at").replace("{folded}", self.folded)

    @property
    def count_withheld(self) -> str:
        """The statement that counts profiles to which a yes did not apply; {rows}, {same}, {schema} are left open."""
        return self._filled("count_withheld")

    def _filled(self, name: str) -> str:
        text = statement(f"consent.{name}")
        for slot in ("consents", "withdraws"):
            if "{" + slot + "}" in text:
                text = text.replace("{" + slot + "}", self._filled(slot))
        yielding = ", ".join(f"'{each}'" for each in Suppression if each.yields_to_files)
        fragments = {
            "lifts": statement(f"consent.lifts_{self.resubscribe}"),
            "yielding": yielding,
            "says": self.says,
            "at": self.at,
            "heard_at": self.heard_at,
            "source": self.source,
        }
        for slot, fragment in fragments.items():
            text = text.replace("{" + slot + "}", fragment)
        return text


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """How many profiles were made to say no."""

    profiles: int
    untouched: int
    """Those of them that the transaction had not changed before."""


async def unsubscribe(tx: Tx, chosen: str, *, run_id: UUID, source: str, at: datetime) -> Unsubscribed:
    """Let profiles say no that a run found to be out; how many that changed.

    `chosen` is a quoted table of the transaction, or a select in brackets, with the profiles' numbers as `id`.
    `source` is kept as where it came from, `at` is when it became known. Those that said no before are not touched.
    """
    word = Word(says="false", heard_at="$3::timestamptz", source="$2::text")
    assigned = ", ".join(f"{column} = {word.after(column)}" for column in WRITTEN)
    text = statement("consent.unsubscribe").replace("{assigned}", assigned).replace("{withdraws}", word.withdraws)
    text = text.replace("{chosen}", chosen).replace("{schema}", tx.schema)
    (row,) = await tx.connection.fetch(text, run_id, source, at)
    return Unsubscribed(row["profiles"], row["untouched"])
