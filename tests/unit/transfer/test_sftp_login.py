"""To which questions the password is given, and how keys may sign."""

import asyncssh
import pytest

from shared.domain.connection import Login
from shared.transfer.sftp_login import Doorkeeper, algorithms_of, asks_for_password


@pytest.mark.parametrize(
    "question",
    [
        "Password:",
        "Password: ",
        "password",
        "(partner@files.example) Password: ",
        "Password for partner@files.example:",
        "partner@files.example's password: ",
        "Enter your SSH password:",
        "Please enter the password:",
        "Passwort: ",
        "Mot de passe :",
    ],
)
def test_a_question_for_the_password_is_answered(question: str) -> None:
    assert asks_for_password([(question, False)])


@pytest.mark.parametrize(
    "prompts",
    [
        [],
        [("Password:", True)],
        [("Password:", False), ("Verification code:", False)],
        [("Password:", False), ("Password:", False)],
        [("New password:", False)],
        [("Current password:", False)],
        [("Retype new password:", False)],
        [("One-time password:", False)],
        [("Passcode:", False)],
        [("Password or token:", False)],
        [("Verification code:", False)],
        [("Enter the password of your bank account:", False)],
        [("Your password and your mother's maiden name:", False)],
        [("Password:\nand your private key:", False)],
        [("", False)],
        [("password " * 10_000, False)],
        [("(" * 50_000 + "Password:", False)],
    ],
)
def test_whatever_else_is_asked_is_not(prompts: list[tuple[str, bool]]) -> None:
    assert not asks_for_password(prompts)


def test_the_password_is_given_once_whichever_way_it_is_asked_for() -> None:
    question = [("Password: ", False)]
    keeper = Doorkeeper(Login(password="s3cret"), [], allows_legacy=False)
    assert keeper.kbdint_auth_requested() == ""
    assert keeper.kbdint_challenge_received("", "", "", []) == []
    assert keeper.kbdint_challenge_received("", "", "", [("Code:", False)]) is None
    assert not keeper.was_password_shown
    assert keeper.kbdint_challenge_received("", "", "", question) == ["s3cret"]
    assert keeper.was_password_shown
    assert keeper.kbdint_challenge_received("", "", "", question) is None
    assert keeper.kbdint_auth_requested() is None
    assert keeper.password_auth_requested() is None


def test_without_a_password_no_question_is_invited() -> None:
    keeper = Doorkeeper(Login(), [], allows_legacy=True)
    assert keeper.kbdint_auth_requested() is None
    assert keeper.password_auth_requested() is None
    assert not keeper.was_anything_tried


@pytest.mark.parametrize(
    ("kind", "modern", "legacy"),
    [
        ("ssh-ed25519", ["ssh-ed25519"], ["ssh-ed25519"]),
        ("ecdsa-sha2-nistp384", ["ecdsa-sha2-nistp384"], ["ecdsa-sha2-nistp384"]),
        ("ssh-rsa", ["rsa-sha2-512", "rsa-sha2-256"], ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]),
        ("ssh-dss", [], ["ssh-dss"]),
    ],
)
def test_keys_sign_with_sha_2_and_with_sha_1_only_where_that_is_allowed(
    kind: str, modern: list[str], legacy: list[str]
) -> None:
    key = asyncssh.generate_private_key(kind)
    assert algorithms_of(key, allows_legacy=False) == modern
    assert algorithms_of(key, allows_legacy=True) == legacy
