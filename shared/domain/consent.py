"""Consent and suppression: what a profile says about being written to, and what a file may change of it.

`opt_in` is what a person has said: yes, no, or nothing. A suppression is why nobody writes to a profile whatever it
says; it knows its reason, and reasons have an order. What a file does to both stands in `shared/storage/consent.py`.
"""

from enum import StrEnum


class Declaration(StrEnum):
    """What an import says about the consent of those whom its file names."""

    EVERYONE = "everyone"
    FROM_FILE = "from_file"
    UNDEFINED = "undefined"
    UNSUBSCRIBE_EVERYONE = "unsubscribe_everyone"


class Resubscribe(StrEnum):
    """Whether a consent in a file lifts a suppression."""

    NEVER = "never"
    IF_NEWER = "if_newer"
    ALWAYS = "always"


class Suppression(StrEnum):
    """Why a profile is not written to.

    In the order of their weight: an unsubscription takes the place of a bounce, because a person's word weighs more
    than a mailbox's, and of nothing else.
    """

    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    ERASED = "erased"

    @property
    def yields_to_files(self) -> bool:
        """Whether a file can lift it, where its goal allows that; the others want a person."""
        return self in (Suppression.BOUNCED, Suppression.UNSUBSCRIBED)
