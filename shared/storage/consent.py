"""What a word about consent does to a profile: the one place that says it, as fragments of SQL and as an update.

A word is a yes, a no or nothing, with the time when it was said where a file states it, else the time when it was
heard. A no always applies: it makes an undefined, consenting or bounced profile an unsubscribed one, and leaves a
weightier suppression its reason. A yes applies where nothing suppresses the profile, or where it may lift what does.
What was said before changes nothing, but for its time where a later one is stated. Several words of a file about one
profile are one: see `folded`.

Events say such things of the past, and always when that was. So an event that is older than the consent which a
profile has changes nothing, where a consent could have lifted what it says: an unsubscription or a bounce. A complaint
always counts. An unsubscription is a no, said at its time; a hard bounce and a complaint leave the word that a person
gave. The weightier of two reasons stays, in whatever order they are heard: `suppress`. An event that is taken back, or
told otherwise, lifts nothing.

Whatever changes `suppression` or `suppressed_at` notes its transaction in `suppressed_xid`. Nothing here reads a file,
or runs anything but `unsubscribe` and `suppress`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.consent import Resubscribe, Suppression
from shared.storage.database import Tx
from shared.storage.statements import statement

WRITTEN = ("opt_in", "consent_at", "consent_source", "suppression", "suppressed_at")
"""The columns of a profile that a word changes."""
NOTED = "suppressed_xid"
"""The column that tells when the last two of them were changed last."""


def noted(suppression: str, suppressed_at: str) -> str:
    """What a stored profile `p` has in `NOTED` once it has these two."""
    return _with("consent.suppressed_xid", suppression=suppression, suppressed_at=suppressed_at)


def newly_noted(suppression: str) -> str:
    """What a new profile has there."""
    return _with("consent.new_suppressed_xid", suppression=suppression)


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


async def suppress(tx: Tx, *, run_id: UUID | None, source: str) -> dict[Suppression, int]:
    """Suppress the profiles of which events say so that this transaction has written; how many that changed, by reason.

    `source` is kept as where an unsubscription came from; `run_id` is the run's whose events they are, if it is one's.
    """
    changed = {}
    # The weightier after the lighter, so that it takes its place.
    for reason in (Suppression.BOUNCED, Suppression.UNSUBSCRIBED, Suppression.COMPLAINED):
        # A parameter that a statement does not have cannot be given.
        says_no = reason is Suppression.UNSUBSCRIBED
        args = (run_id, source) if says_no else (run_id,)
        (row,) = await tx.connection.fetch(_suppressing(reason).replace("{schema}", tx.schema), *args)
        if row["profiles"]:
            changed[reason] = row["profiles"]
    return changed


def _suppressing(reason: Suppression) -> str:
    """The statement that suppresses profiles for a reason; {schema} is left open."""
    overtaken = statement("consent.is_overtaken")
    if reason is Suppression.UNSUBSCRIBED:
        word = Word(says="false", at="c.at", source="$2::text")
        assigned = _assigned(word)
        changes = _with("consent.withdraws_by_event", withdraws=word.withdraws, is_overtaken=overtaken)
    else:
        order = list(Suppression)
        lighter = ", ".join(f"'{each}'" for each in order[: order.index(reason)]) or "NULL"
        yields = str(reason.yields_to_files).lower()
        changes = _with("consent.suppresses", is_overtaken=overtaken, lighter=lighter, yields=yields, reason=reason)
        assigned = _with("consent.suppressed", reason=reason)
    told = _with("consent.told_by_events", tells=statement(f"consent.tells_{reason}"))
    return _with("consent.suppress", told=told, assigned=assigned, changes=changes)


def _assigned(word: Word) -> str:
    """What an update sets where a word changes profiles."""
    after = {column: word.after(column) for column in WRITTEN}
    after[NOTED] = noted(after["suppression"], after["suppressed_at"])
    return ", ".join(f"{column} = {value}" for column, value in after.items())


def _with(name: str, **slots: str) -> str:
    text = statement(name)
    for slot, fragment in slots.items():
        text = text.replace("{" + slot + "}", fragment)
    return text


async def unsubscribe(tx: Tx, chosen: str, *, run_id: UUID, source: str, at: datetime) -> Unsubscribed:
    """Let profiles say no that a run found to be out; how many that changed.

    `chosen` is a quoted table of the transaction, or a select in brackets, with the profiles' numbers as `id`.
    `source` is kept as where it came from, `at` is when it became known. Those that said no before are not touched.
    """
    word = Word(says="false", heard_at="$3::timestamptz", source="$2::text")
    text = _with("consent.unsubscribe", assigned=_assigned(word), withdraws=word.withdraws, chosen=chosen)
    text = text.replace("{schema}", tx.schema)
    (row,) = await tx.connection.fetch(text, run_id, source, at)
    return Unsubscribed(row["profiles"], row["untouched"])
