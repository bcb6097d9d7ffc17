"""The file is encrypted or signed, and cannot be opened or believed."""

from shared.domain.failures.files import FileFailure


class DecryptionFailed(FileFailure):
    """The file is encrypted with OpenPGP and could not be decrypted."""

    code = "decryption_failed"
    what_to_do = "Have the sender encrypt the file again with a current OpenPGP program, then retry the run."


class NoDecryptionKey(DecryptionFailed):
    """None of the keys and passwords that may be used opens the file."""

    code = "no_decryption_key"
    what_to_do = (
        "Import the private key that the file is encrypted to with POST /v1/openpgp-keys and retry the run, or hand "
        "the sender the public part of one of your keys (GET /v1/openpgp-keys/{id}/public)."
    )


class WrongPassphrase(DecryptionFailed):
    """The passphrase that is stored with the private key does not open it."""

    code = "wrong_passphrase"
    what_to_do = "Import the key again with its right passphrase, then retry the run."


class WrongPassword(DecryptionFailed):
    """The file is encrypted with a password, and no password that is stored opens it."""

    code = "wrong_password"
    what_to_do = "Store the sender's password with POST /v1/openpgp-keys, then retry the run."


class DamagedMessage(DecryptionFailed):
    """The encrypted file is damaged, cut off or was changed on its way."""

    code = "damaged_message"
    what_to_do = "Have the sending system upload the file again; keep temporary names while it uploads."


class NotIntegrityProtected(DecryptionFailed):
    """The encrypted file has no protection against changes on its way."""

    code = "not_integrity_protected"
    what_to_do = (
        "Have the sender encrypt with integrity protection (MDC or AEAD), which is every current program's default."
    )


class UnsupportedEncryption(DecryptionFailed):
    """The file is encrypted in a way that cannot be read here."""

    code = "unsupported_encryption"
    what_to_do = "Have the sender use AES, or do what the detail says."


class GnupgNeeded(DecryptionFailed):
    """The encrypted file is larger than what can be handled without GnuPG."""

    code = "gnupg_needed"
    what_to_do = (
        "Have the operator install GnuPG (Debian: apt-get install gpg gpg-agent) where importers and exporters run."
    )


class NotEncrypted(FileFailure):
    """The file is not encrypted, and the goal demands it."""

    code = "not_encrypted"
    what_to_do = "Have the sender encrypt the file, or set the goal's unpack.decrypt to auto."


class SignatureMissing(FileFailure):
    """The file is not signed, and the goal demands a signature."""

    code = "signature_missing"
    what_to_do = "Have the sender sign the file with one of the keys that the goal names."


class SignatureRefused(FileFailure):
    """The file's signature is not a valid one by a key that the goal names."""

    code = "signature_refused"
    what_to_do = (
        "Ask the sender which key signs. Import its public part with POST /v1/openpgp-keys and name its fingerprint in "
        "the goal; if the sender does not know the signature, somebody else wrote the file."
    )


class SignatureExpired(SignatureRefused):
    """The file's signature, or the key that made it, has expired or was revoked."""

    code = "signature_expired"
    what_to_do = "Have the sender sign with a current key, or import the public key again if it was prolonged."
