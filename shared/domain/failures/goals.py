"""The settings are unfit."""

from shared.domain.failures.base import Permanent


class GoalFailure(Permanent):
    """The goal cannot be carried out as it is set."""

    code = "goal_failure"


class InvalidGoal(GoalFailure):
    """The goal's settings contradict each other or the account's properties."""

    code = "invalid_goal"
    what_to_do = "Correct the goal and retry the run."


class InvalidCondition(GoalFailure):
    """A condition does not fit what it is asked of."""

    code = "invalid_condition"
    what_to_do = "Compare what there is, by operators and with values of its type."


class RejectsNeedKey(GoalFailure):
    """The file came encrypted or under a password, and its rejects may not be put into the drop folder plain."""

    code = "rejects_need_key"
    what_to_do = "Name the sender's OpenPGP key in the goal's rejects.encrypt_to."


class OpenPgpKeyExpired(GoalFailure):
    """An OpenPGP key that the file is to be encrypted to, or signed with, has expired or was revoked."""

    code = "openpgp_key_expired"
    what_to_do = "Import the recipient's current public key, or make a new one of your own, and name it in the goal."


class OpenPgpKeyUnfit(GoalFailure):
    """An OpenPGP key cannot be used for what the goal wants of it."""

    code = "openpgp_key_unfit"
    what_to_do = "Name a key that can do what the detail says; GET /v1/openpgp-keys shows what each can."


class UnwritableValue(GoalFailure):
    """A value cannot be written in the goal's dialect."""

    code = "unwritable_value"
    what_to_do = (
        "Use the encoding utf-8, and give the dialect a quoteChar with doubleQuote, a listDelimiter that no item has "
        "in it and a nullSequence that no value is; then run the goal again."
    )


class TooManyPieces(GoalFailure):
    """The goal splits its rows into more files than are delivered at a time."""

    code = "too_many_pieces"
    what_to_do = "Give the goal's split more rows or bytes, then retry the run."


class ListMissing(GoalFailure):
    """A list that the goal puts people on was deleted."""

    code = "list_missing"
    what_to_do = "Name another list in the goal, or none, then retry the run."


class GoalInactive(GoalFailure):
    """The goal or its connection is switched off."""

    code = "goal_inactive"
    what_to_do = "Switch it on, then retry the run."


class InBlackout(GoalFailure):
    """Nothing is begun now: the goal or its connection is in a blackout window."""

    code = "blackout"
    what_to_do = "Ask again when the window has ended, or change `blackouts`."
