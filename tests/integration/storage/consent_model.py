"""A small model of consent: what the rows of a file say of a person, and what that does, in plain Python.

Slow and obvious on purpose; it shares nothing with the code that it judges but the names of the settings.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.consent import Resubscribe

Word = tuple[bool, datetime | None]
"""Yes or no, and when that was said, where it is stated."""


@dataclass(frozen=True)
class Consent:
    """What a profile says about being written to."""

    opt_in: bool | None = None
    consent_at: datetime | None = None
    consent_source: str | None = None
    suppression: str | None = None
    suppressed_at: datetime | None = None


def voice(words: list[Word], resubscribe: Resubscribe) -> Word | None:
    """What the rows of one profile say together, in the order of the file; None is nothing."""
    if not words:
        return None
    if resubscribe is Resubscribe.ALWAYS:
        return words[-1]
    yes = [at for says, at in words if says]
    no = [at for says, at in words if not says]
    says = not no
    if yes and no and resubscribe is Resubscribe.IF_NEWER and None not in no and any(yes):
        says = _latest(yes) > _latest(no)  # type: ignore[operator]  # all are times
    if not says and None in no:
        return says, None  # It is as late as the file, whatever older ones there are.
    return says, _latest(yes if says else no)


def heard(before: Consent, word: Word, *, heard_at: datetime, source: str, resubscribe: Resubscribe) -> Consent:
    """The profile after a word; itself where the word changes nothing."""
    says, stated = word
    at = stated or heard_at
    if says:
        if before.suppression is None:
            is_renewed = stated is not None and before.consent_at is not None and stated > before.consent_at
            return Consent(True, at, source) if not before.opt_in or is_renewed else before
        return Consent(True, at, source) if _lifts(before, stated, resubscribe) else before
    if before.suppression in ("complained", "erased"):
        return before if before.opt_in is False else replace(before, opt_in=False, consent_at=at, consent_source=source)
    if before.suppression == "unsubscribed":
        assert before.suppressed_at is not None
        if stated is None or stated <= before.suppressed_at:
            return before
    consented_at = before.consent_at if before.opt_in else None
    return Consent(False, at, source, "unsubscribed", _latest([at, before.suppressed_at, consented_at]))


def is_withheld(before: Consent, word: Word, resubscribe: Resubscribe) -> bool:
    """Whether a yes does not apply."""
    says, stated = word
    return says and before.suppression is not None and not _lifts(before, stated, resubscribe)


def _lifts(before: Consent, stated: datetime | None, resubscribe: Resubscribe) -> bool:
    if before.suppression in ("complained", "erased") or resubscribe is Resubscribe.NEVER:
        return False
    if resubscribe is Resubscribe.ALWAYS:
        return True
    assert before.suppressed_at is not None
    return stated is not None and stated > before.suppressed_at


def _latest(times: list[datetime | None]) -> datetime | None:
    return max((each for each in times if each is not None), default=None)
