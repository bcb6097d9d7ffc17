"""Where rejects may go back to: into a directory that no goal watches, and encrypted where files must be."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.domain.goal import Goal, ImportGoal
from shared.domain.openpgp_key import KeyUse, OpenPgpKey
from shared.domain.property import Property, PropertyType
from shared.processing.goal_checks import flaws_of
from shared.processing.goal_flaws import KnownKey, Surroundings

FINGERPRINT = "A" * 40
KEY = OpenPgpKey(
    fingerprint=FINGERPRINT,
    key_ids=(FINGERPRINT[-16:],),
    user_ids=("Partner <partner@shop.example>",),
    algorithm="ed25519",
    created_at=datetime(2024, 1, 1, tzinfo=UTC),
    expires_at=None,
    is_revoked=False,
    is_private=False,
    uses=(KeyUse.ENCRYPT,),
)
PROPERTIES = {"email": Property(name="email", type=PropertyType.EMAIL, identifier=True)}


def _goal(**changes: Any) -> ImportGoal:
    plain = {
        "name": "n",
        "source": {"pattern": {"wildcard": "*.csv"}},
        "identifiers": [{"field": "E", "property": "email"}],
        "opt_in": {"declaration": "undefined"},
    }
    return ImportGoal.model_validate({**plain, **changes})


def _around(*siblings: Goal) -> Surroundings:
    return Surroundings(PROPERTIES, {"default"}, is_hosted=False, siblings=siblings)


def _found(goal: Goal, around: Surroundings | None = None) -> list[tuple[str, str]]:
    return [(flaw.pointer, flaw.code) for flaw in flaws_of(goal, around or _around())]


def test_rejects_go_into_a_directory_that_no_goal_watches() -> None:
    watching = {"source": {"directory": "in", "pattern": {"wildcard": "*.csv"}}}
    to_itself = _goal(**watching, rejects={"return_to": "in"})
    assert _found(to_itself, _around()) == [("/rejects/return_to", "returns_watched")]
    elsewhere = _goal(rejects={"return_to": "/in/"})
    assert _found(elsewhere, _around(_goal(**watching))) == [("/rejects/return_to", "returns_watched")]
    assert _found(_goal(**watching), _around(elsewhere)) == [("/source/directory", "returns_watched")]
    assert _found(_goal(**watching, active=False), _around(elsewhere)) == []
    assert _found(_goal(**watching, rejects={"return_to": "in/rejected"}), _around(elsewhere)) == [
        ("/source/directory", "returns_watched")
    ]
    assert _found(_goal(rejects={"return_to": "rejected"}), _around(_goal(**watching))) == []


def test_rejects_of_files_that_must_be_encrypted_need_a_key() -> None:
    required = {"unpack": {"decrypt": "required"}}
    assert _found(_goal(**required, rejects={"return_to": "r"})) == [("/rejects/encrypt_to", "encrypt_to_missing")]
    sealed = _goal(**required, rejects={"return_to": "r", "encrypt_to": [FINGERPRINT]})
    assert _found(sealed) == [("/rejects/encrypt_to/0", "unknown_openpgp_key")]
    known = {FINGERPRINT: KnownKey("partner", KEY, is_over=False)}
    assert _found(sealed, replace(_around(), openpgp_keys=known)) == []
    assert _found(_goal(**required)) == []
