"""What GnuPG's words come to: its exit code alone is never believed."""

import pytest

from shared.domain import failures
from shared.domain.failures import Failure
from shared.formats.openpgp.status import Told, judge

KEY, MAIN, SIGNER, OTHER = "A" * 40, "B" * 40, "C" * 40, "D" * 40
OPENED = f"""ENC_TO 0123456789ABCDEF 1 0
DECRYPTION_KEY {KEY} {MAIN} u
BEGIN_DECRYPTION
DECRYPTION_INFO 2 9 0
PLAINTEXT 62 0 x
DECRYPTION_OKAY
GOODMDC
END_DECRYPTION"""
SIGNED = f"""NEWSIG
GOODSIG {SIGNER[-16:]} x
VALIDSIG {SIGNER} 2026-01-01 0 0 4 0 22 10 00 {SIGNER}"""


def _told(text: str, code: int = 0) -> Told:
    lines = [line.split() for line in text.splitlines()]
    return Told(code, tuple((words[0], tuple(words[1:])) for words in lines))


def test_a_whole_message_tells_its_cipher_and_key() -> None:
    verdict = judge(_told(OPENED), is_encrypted=True, signers=frozenset())
    assert (verdict.cipher, verdict.key_fingerprint, verdict.signed_by) == ("aes256", MAIN, None)


def test_authenticated_encryption_protects_too() -> None:
    told = _told(OPENED.replace("DECRYPTION_INFO 2 9 0", "DECRYPTION_INFO 0 9 2"))
    assert judge(told, is_encrypted=True, signers=frozenset()).cipher == "aes256"


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        (OPENED, 2, failures.DamagedMessage),
        (OPENED.replace("DECRYPTION_OKAY", "DECRYPTION_FAILED"), 0, failures.DamagedMessage),
        (OPENED.replace("DECRYPTION_OKAY\n", ""), 0, failures.DamagedMessage),
        (OPENED.replace("DECRYPTION_OKAY", "DECRYPTION_FAILED\nDECRYPTION_OKAY"), 2, failures.DamagedMessage),
        (OPENED.replace("GOODMDC", "BADMDC"), 2, failures.DamagedMessage),
        (OPENED + "\nNODATA 3", 0, failures.DamagedMessage),
        (OPENED.replace("PLAINTEXT 62 0 x\n", ""), 0, failures.DamagedMessage),
        ("NODATA 3", 0, failures.DamagedMessage),
        ("NODATA 1\nNODATA 2", 2, failures.DamagedMessage),
        ("PLAINTEXT 62 0 x", 0, failures.DamagedMessage),
        (OPENED.replace("DECRYPTION_INFO 2 9 0", "DECRYPTION_INFO 0 9 0"), 0, failures.NotIntegrityProtected),
        (
            OPENED.replace("2 9 0", "0 9 0").replace("DECRYPTION_OKAY", "DECRYPTION_FAILED"),
            2,
            failures.NotIntegrityProtected,
        ),
        (OPENED.replace("2 9 0", "2 99 0").replace("DECRYPTION_OKAY\n", ""), 2, failures.UnsupportedEncryption),
        ("ENC_TO 01 1 0\nNO_SECKEY 01\nBEGIN_DECRYPTION\nDECRYPTION_FAILED", 2, failures.NoDecryptionKey),
        (
            "ENC_TO 01 1 0\nNEED_PASSPHRASE 01 01 1 0\nERROR pkdecrypt_failed 67108875\nDECRYPTION_FAILED",
            2,
            failures.WrongPassphrase,
        ),
        ("NEED_PASSPHRASE_SYM 9 3 2\nERROR symkey_decrypt 11_BAD_PASSPHRASE", 2, failures.WrongPassword),
    ],
)
def test_what_is_not_whole_is_named(text: str, code: int, kind: type[Failure]) -> None:
    with pytest.raises(kind) as refused:
        judge(_told(text, code), is_encrypted=True, signers=frozenset())
    assert refused.type is kind


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("", 0, failures.SignatureMissing),
        (SIGNED.replace("GOODSIG", "EXPKEYSIG"), 0, failures.SignatureExpired),
        (SIGNED.replace("GOODSIG", "EXPSIG"), 0, failures.SignatureExpired),
        (SIGNED.replace("GOODSIG", "REVKEYSIG"), 0, failures.SignatureExpired),
        (SIGNED.replace(SIGNER, OTHER), 0, failures.SignatureRefused),
        (f"NEWSIG\nBADSIG {SIGNER[-16:]} x", 1, failures.SignatureRefused),
        (f"NEWSIG\nERRSIG {SIGNER[-16:]} 22 10 00 0 9\nNO_PUBKEY {SIGNER[-16:]}", 2, failures.SignatureRefused),
        (f"{SIGNED}\nNEWSIG\nERRSIG {OTHER[-16:]} 22 10 00 0 9", 2, failures.SignatureRefused),
        (f"{SIGNED}\nNEWSIG\nBADSIG {SIGNER[-16:]} x", 1, failures.SignatureRefused),
    ],
)
def test_a_signature_that_is_demanded_must_be_valid_and_of_a_named_key(
    text: str, code: int, kind: type[Failure]
) -> None:
    with pytest.raises(kind) as refused:
        judge(_told(f"{OPENED}\n{text}".strip(), code), is_encrypted=True, signers=frozenset({SIGNER}))
    assert refused.type is kind


def test_a_signature_of_a_subkey_counts_as_its_keys() -> None:
    text = SIGNED.replace(f"VALIDSIG {SIGNER}", f"VALIDSIG {OTHER}")
    told = _told(f"{OPENED}\n{text}")
    assert judge(told, is_encrypted=True, signers=frozenset({SIGNER})).signed_by == SIGNER
