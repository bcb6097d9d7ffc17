"""Decrypt and encrypt whole files with OpenPGP, by GnuPG where it is installed, else by a library and in small sizes.

Plain content grows in a quarantine file beside its target and becomes the target only when the whole message has proved
whole, is protected against changes, and is signed by whom it must be signed by. Whatever fails leaves nothing plain
behind. Nothing here looks at what the content means, or unpacks it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from shared.domain.failures import (
    DecryptionFailed,
    GnupgFailed,
    GnupgNeeded,
    NoDecryptionKey,
    NotEncrypted,
    NotIntegrityProtected,
    OpenPgpKeyExpired,
    OpenPgpKeyUnfit,
    SignatureMissing,
    UnsupportedEncryption,
    WrongPassword,
)
from shared.domain.openpgp_key import Bundle, KeyUse, OpenPgpKey, OwnKey, PartnerKey
from shared.domain.run import Reason
from shared.formats.openpgp import without_gpg
from shared.formats.openpgp.detect import Message, detect
from shared.formats.openpgp.gpg import Answer, Home, Programs, home_of
from shared.formats.openpgp.limits import Limits
from shared.formats.openpgp.quarantine import Quarantine, quarantined
from shared.formats.openpgp.status import Told, Verdict, judge, no_key


@dataclass(frozen=True, slots=True)
class Policy:
    """What a goal demands of a file's encryption."""

    decrypt: Literal["auto", "required", "never"] = "auto"
    """`auto` goes by content, `required` refuses a plain file, `never` takes the bytes as they are."""
    require_signature_by: frozenset[str] = frozenset()
    """Fingerprints, of which one must have signed; none: signatures are not looked at."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Decrypted:
    """What became of a file."""

    path: Path
    """Where its plain content is: the target, or the file itself where there was nothing to open."""
    was_encrypted: bool = False
    cipher: str | None = None
    key_fingerprint: str | None = None
    """Of the own key that opened it; None where a password did."""
    signed_by: str | None = None
    """Fingerprint of the key whose signature was demanded, and held."""
    warnings: tuple[Reason, ...] = ()


async def decrypt(path: Path, target: Path, bundle: Bundle, policy: Policy, *, gpg: Programs | None) -> Decrypted:
    """Open a file if it is an OpenPGP message; its plain content is then at `target`, which must not exist.

    Works in the target's directory, which must be nobody else's. Raises DecryptionFailed's children, NotEncrypted,
    SignatureMissing, SignatureRefused, SignatureExpired, UnpackedTooLarge, UnpackRatioTooHigh; DecryptionTooSlow,
    GnupgFailed; OSError where the disk is full.
    """
    message = None if policy.decrypt == "never" else await asyncio.to_thread(detect, path)
    if policy.decrypt == "required" and (message is None or not message.is_encrypted):
        raise NotEncrypted("Found other content." if message is None else "Found a message that is signed only.")
    if message is None:
        if policy.require_signature_by:
            raise SignatureMissing("Found no OpenPGP message.")
        return Decrypted(path)
    keys = _keys_for(message, bundle)
    with quarantined(path, target, policy.limits) as quarantine:
        if gpg is None:
            verdict = await _open_without_gpg(path, message, keys, bundle, policy, quarantine)
        else:
            verdict = await _open_with_gpg(gpg, path, message, keys, bundle, policy, quarantine)
        quarantine.accept()
    return Decrypted(
        target,
        was_encrypted=message.is_encrypted,
        cipher=verdict.cipher,
        key_fingerprint=verdict.key_fingerprint,
        signed_by=verdict.signed_by,
        warnings=tuple(_warnings(verdict, keys, has_gpg=gpg is not None)),
    )


Seal = Callable[[Path, Path], Awaitable[None]]
"""Encrypts a file to another, which must not exist. Raises GnupgNeeded, DecryptionTooSlow, GnupgFailed."""


@asynccontextmanager
async def sealing(
    workspace: Path,
    recipients: tuple[PartnerKey | OwnKey, ...],
    sign_with: OwnKey | None = None,
    *,
    gpg: Programs | None,
    limits: Limits | None = None,
) -> AsyncIterator[Seal]:
    """Encrypt files, one after the other, binary and without compression, to the public halves of keys.

    `workspace` must be nobody else's. Raises OpenPgpKeyExpired, OpenPgpKeyUnfit, GnupgFailed, also out of the block.
    """
    bounds = limits or Limits()
    require_able(recipients, sign_with)
    if gpg is None:

        async def seal(path: Path, target: Path) -> None:
            with quarantined(path, target, bounds, is_plain=True) as quarantine:
                _require_small(path, bounds)
                content = await asyncio.to_thread(path.read_bytes)
                quarantine.keep(await asyncio.to_thread(without_gpg.seal, content, recipients, sign_with))
                quarantine.accept()

        yield seal
        return
    signers = () if sign_with is None else (sign_with,)
    async with home_of(gpg, workspace, bounds) as home:
        await home.import_keys([*(key.material for key in recipients), *(key.material for key in signers)])

        async def seal_with_gpg(path: Path, target: Path) -> None:
            with quarantined(path, target, bounds, is_plain=True) as quarantine:
                await _seal_with_gpg(home, path, recipients, sign_with, quarantine)
                quarantine.accept()

        yield seal_with_gpg


async def encrypt(
    path: Path,
    target: Path,
    recipients: tuple[PartnerKey | OwnKey, ...],
    sign_with: OwnKey | None = None,
    *,
    gpg: Programs | None,
) -> None:
    """Encrypt one file as `sealing` does, in the target's directory."""
    async with sealing(target.parent, recipients, sign_with, gpg=gpg) as seal:
        await seal(path, target)


def require_able(recipients: tuple[PartnerKey | OwnKey, ...], sign_with: OwnKey | None = None) -> None:
    """Raise OpenPgpKeyExpired or OpenPgpKeyUnfit where one cannot be encrypted to, or signed with, at this moment."""
    if not recipients:
        raise OpenPgpKeyUnfit("Found no key to encrypt to.")
    for each in recipients:
        _require(each.facts, KeyUse.ENCRYPT)
    if sign_with is not None:
        _require(sign_with.facts, KeyUse.SIGN)


def without_gnupg(done: str) -> Reason:
    """What is told where a file was `decrypted` or `encrypted` by the library."""
    return Reason(
        code="without_gnupg",
        detail=f"The file was {done} without GnuPG, which is not installed: larger files are refused.",
        what_to_do=GnupgNeeded.what_to_do,
    )


# Which keys, and in what order.


def _keys_for(message: Message, bundle: Bundle) -> tuple[OwnKey, ...]:
    """The own keys that may open a message. Raises what is certain before anything is tried."""
    if not message.is_encrypted:
        return ()
    if message.data == "unprotected":
        raise NotIntegrityProtected("Found encrypted data without a modification detection code, expected MDC or AEAD.")
    if message.data == "version 2":
        raise UnsupportedEncryption("Found encrypted data of version 2 (RFC 9580), expected that of RFC 4880.")
    is_open = message.hides_recipients or not (message.recipients or message.has_passwords)
    keys = tuple(key for key in bundle.own if is_open or not set(message.recipients).isdisjoint(key.facts.key_ids))
    if not keys and message.recipients and not (message.has_passwords and bundle.passwords):
        raise NoDecryptionKey(no_key(list(message.recipients)))
    if not keys and message.has_passwords and not bundle.passwords:
        raise WrongPassword("Found none that is stored.")
    return keys


def _attempts(message: Message, keys: tuple[OwnKey, ...], bundle: Bundle) -> Iterator[str]:
    """The passwords to try, one after the other; an empty one where keys are tried, or nothing is needed."""
    if keys or not message.has_passwords:
        yield ""
    if message.has_passwords:
        yield from bundle.passwords


# With GnuPG.


async def _open_with_gpg(
    gpg: Programs,
    path: Path,
    message: Message,
    keys: tuple[OwnKey, ...],
    bundle: Bundle,
    policy: Policy,
    quarantine: Quarantine,
) -> Verdict:
    signers = policy.require_signature_by
    async with home_of(gpg, quarantine.directory, policy.limits) as home:
        await home.import_keys([*(key.material for key in keys), *(key.material for key in bundle.public(signers))])
        failure: DecryptionFailed | None = None
        for password in _attempts(message, keys, bundle):
            try:
                return await _attempt(home, path, message, _answers(keys, password), policy, quarantine)
            except DecryptionFailed as found:
                # What a wrong password makes of a message is noise: a clearer word of another attempt stands.
                failure = found if failure is None or isinstance(failure, WrongPassword) else failure
    raise failure or WrongPassword()


async def _attempt(
    home: Home, path: Path, message: Message, answer: Answer, policy: Policy, quarantine: Quarantine
) -> Verdict:
    signers = policy.require_signature_by

    async def run(*, show: bool = False, session_key: str = "") -> Told:
        quarantine.begin()
        with path.open("rb") as source:
            verify = bool(signers)
            return await home.decrypt(
                source, quarantine.keep, answer, verify=verify, show=show, session_key=session_key
            )

    told = await run(show=message.hides_recipients)
    if message.hides_recipients and told.exit_code != 0 and told.has("DECRYPTION_OKAY"):
        # Each key that was tried in vain counts as an error, which would hide others: once more, without trying.
        again = await run(session_key=told.said("SESSION_KEY")[0][0])
        keys = tuple(line for line in told.lines if line[0] == "DECRYPTION_KEY")
        told = replace(again, lines=(*keys, *again.lines))
    return judge(told, is_encrypted=message.is_encrypted, signers=signers)


def _answers(keys: tuple[OwnKey, ...], password: str) -> Answer:
    passphrases = {key_id: key.passphrase or "" for key in keys for key_id in key.facts.key_ids}
    return lambda key_id: password if key_id is None else passphrases.get(key_id, "")


async def _seal_with_gpg(
    home: Home,
    path: Path,
    recipients: tuple[PartnerKey | OwnKey, ...],
    sign_with: OwnKey | None,
    quarantine: Quarantine,
) -> None:
    signers = () if sign_with is None else (sign_with,)
    fingerprints = [each.facts.fingerprint for each in recipients]
    signer = None if sign_with is None else sign_with.facts.fingerprint
    with path.open("rb") as source:
        told = await home.encrypt(source, quarantine.keep, _answers(signers, ""), fingerprints, signer)
    if told.has("INV_RECP", "INV_SGNR"):
        found = [words for keyword in ("INV_RECP", "INV_SGNR") for words in told.said(keyword)]
        # Reasons of GnuPG's doc/DETAILS: 4 revoked, 5 expired.
        kind = OpenPgpKeyExpired if any(words[0] in ("4", "5") for words in found) else OpenPgpKeyUnfit
        raise kind(f"GnuPG refused {', '.join(words[-1] for words in found)}.")
    if told.exit_code != 0 or not told.has("END_ENCRYPTION"):
        raise GnupgFailed(f"gpg ended with {told.exit_code}.")


# Without.


async def _open_without_gpg(
    path: Path,
    message: Message,
    keys: tuple[OwnKey, ...],
    bundle: Bundle,
    policy: Policy,
    quarantine: Quarantine,
) -> Verdict:
    _require_small(path, policy.limits)
    quarantine.begin()
    work = asyncio.get_running_loop().run_in_executor(
        None, without_gpg.unseal, path.read_bytes(), message, keys, bundle, policy.require_signature_by, quarantine
    )
    try:
        return await asyncio.shield(work)
    finally:
        # A thread cannot be stopped; what it still writes must not outlive the quarantine.
        await asyncio.wait((work,))


def _require_small(path: Path, limits: Limits) -> None:
    size = path.stat().st_size
    if size > limits.without_gpg_bytes:
        raise GnupgNeeded(f"Found {size} bytes; without GnuPG at most {limits.without_gpg_bytes} can be handled.")


# What all have in common.


def _require(facts: OpenPgpKey, use: KeyUse) -> None:
    now = datetime.now(UTC)
    if facts.is_revoked or facts.expired(now):
        how = "was revoked" if facts.is_revoked else f"expired at {facts.expires_at:%Y-%m-%d %H:%M} UTC"
        raise OpenPgpKeyExpired(f"The key {facts.fingerprint} {how}.")
    if use not in facts.uses:
        raise OpenPgpKeyUnfit(f"The key {facts.fingerprint} cannot {use}.")


def _warnings(verdict: Verdict, keys: tuple[OwnKey, ...], *, has_gpg: bool) -> Iterator[Reason]:
    for key in keys:
        if key.facts.fingerprint == verdict.key_fingerprint and key.facts.expired(datetime.now(UTC)):
            yield Reason(
                code=OpenPgpKeyExpired.code,
                detail=f"The file is encrypted to your key {key.facts.fingerprint}, which has expired.",
                what_to_do="Make a new key and hand its public part to the sender: soon the old may not be usable.",
            )
    if not has_gpg:
        yield without_gnupg("decrypted")
