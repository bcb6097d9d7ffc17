"""A message is opened whole, or refused by the name of its fault with nothing plain left: with GnuPG, and without."""

import bz2
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from shared.domain import failures
from shared.domain.failures import Failure
from shared.domain.openpgp_key import Bundle, PartnerKey
from shared.formats.openpgp import keys, message
from shared.formats.openpgp.limits import Limits
from shared.formats.openpgp.message import Policy
from tests.eventually import eventually
from tests.integration.openpgp.conftest import Desk
from tests.integration.openpgp.sender import Sender, sender
from tests.openpgp import made_key, public

CONTENT = b"E-mail;Points\r\nann@shop.example;3\r\n" * 40
OURS, OTHER, PARTNER = made_key(), made_key("Other"), made_key("Partner <files@partner.example>")
BUNDLE = Bundle(own=(OTHER, OURS), partners=(public(PARTNER),), passwords=("not this one", "hush hush"))
SIGNED = Policy(require_signature_by=frozenset({PARTNER.facts.fingerprint}))
REQUIRED = Policy(decrypt="required")


@pytest.fixture(scope="module")
def partner() -> Iterator[Sender]:
    with sender() as made:
        yield made.knows(public(OURS), public(OTHER), PARTNER)


async def _opens(desk: Desk, sent: bytes, policy: Policy | None = None, bundle: Bundle = BUNDLE) -> message.Decrypted:
    opened = await desk.open(desk.file(sent), bundle, policy)
    assert opened.path.read_bytes() == CONTENT
    assert desk.left() == {"plain"}
    return opened


async def _refused(
    desk: Desk, sent: bytes, kind: type[Failure], policy: Policy | None = None, bundle: Bundle = BUNDLE
) -> Failure:
    path = desk.file(sent)
    with pytest.raises(kind) as refused:
        await desk.open(path, bundle, policy)
    assert refused.type is kind
    assert desk.left() == set(), "nothing plain is left"
    return refused.value


# Opened.


@pytest.mark.parametrize("words", [(), ("--armor",), ("--compress-algo", "none"), ("--compress-algo", "bzip2")])
async def test_a_message_for_one_of_our_keys_opens(desk: Desk, partner: Sender, words: tuple[str, ...]) -> None:
    opened = await _opens(desk, partner.encrypted(CONTENT, [OURS], *words), REQUIRED)
    assert (opened.was_encrypted, opened.cipher, opened.signed_by) == (True, "aes256", None)
    assert opened.key_fingerprint == OURS.facts.fingerprint
    assert [each.code for each in opened.warnings] == ([] if desk.gpg else ["without_gnupg"])


async def test_a_message_that_hides_its_recipients_opens(desk: Desk, partner: Sender) -> None:
    for recipients in ([OURS], [PARTNER, OURS]):
        await _opens(desk, partner.encrypted(CONTENT, recipients, "--throw-keyids"))
        (desk.folder / "plain").unlink()
    cut = partner.encrypted(CONTENT, [PARTNER, OURS], "--throw-keyids")[:-1]
    await _refused(desk, cut, failures.DamagedMessage)


async def test_a_message_for_several_opens_with_the_one_key_that_we_have(desk: Desk, partner: Sender) -> None:
    sent = partner.encrypted(CONTENT, [PARTNER, OURS])
    await _opens(desk, sent, bundle=replace(BUNDLE, own=(OURS,)))


async def test_a_message_under_a_password_opens_with_one_of_ours(desk: Desk, partner: Sender) -> None:
    opened = await _opens(desk, partner.encrypted(CONTENT, password="hush hush"))
    assert opened.key_fingerprint is None


async def test_a_message_under_a_password_and_for_a_key_opens_with_the_key(desk: Desk, partner: Sender) -> None:
    sent = partner.encrypted(CONTENT, [OURS], password="one that we do not know")
    await _opens(desk, sent, bundle=replace(BUNDLE, passwords=()))


async def test_a_signature_that_is_demanded_is_told(desk: Desk, partner: Sender) -> None:
    opened = await _opens(desk, partner.signed(CONTENT, PARTNER, [OURS]), SIGNED)
    assert opened.signed_by == PARTNER.facts.fingerprint


@pytest.mark.parametrize("words", [(), ("--armor",), ("--compress-algo", "none")])
async def test_a_message_that_is_signed_only_opens_where_no_encryption_is_demanded(
    desk: Desk, partner: Sender, words: tuple[str, ...]
) -> None:
    sent = partner.signed(CONTENT, PARTNER, (), *words)
    opened = await _opens(desk, sent, SIGNED)
    assert (opened.was_encrypted, opened.signed_by) == (False, PARTNER.facts.fingerprint)


async def test_a_signature_by_somebody_unknown_is_no_matter_where_none_is_demanded(desk: Desk, partner: Sender) -> None:
    await _opens(desk, partner.signed(CONTENT, PARTNER, [OURS]), bundle=Bundle(own=(OURS,)))


async def test_an_expired_key_of_ours_still_opens_and_says_so(desk: Desk, partner: Sender) -> None:
    facts = OURS.facts.model_copy(update={"expires_at": OURS.facts.created_at})
    opened = await _opens(desk, partner.encrypted(CONTENT, [OURS]), bundle=Bundle(own=(replace(OURS, facts=facts),)))
    assert "openpgp_key_expired" in [each.code for each in opened.warnings]


async def test_a_plain_file_is_taken_as_it_is_where_nothing_is_demanded(desk: Desk) -> None:
    path = desk.file(CONTENT)
    opened = await desk.open(path, BUNDLE)
    assert (opened.path, opened.was_encrypted) == (path, False)


async def test_bytes_are_taken_as_they_are_where_nothing_is_to_be_decrypted(desk: Desk, partner: Sender) -> None:
    path = desk.file(partner.encrypted(CONTENT, [OURS]))
    assert (await desk.open(path, BUNDLE, Policy(decrypt="never"))).path == path


# Refused.


async def test_a_plain_file_is_refused_where_encryption_is_demanded(desk: Desk, partner: Sender) -> None:
    await _refused(desk, CONTENT, failures.NotEncrypted, REQUIRED)
    await _refused(desk, partner.signed(CONTENT, PARTNER), failures.NotEncrypted, REQUIRED)


async def test_a_message_for_others_names_whom_it_is_for(desk: Desk, partner: Sender) -> None:
    failure = await _refused(desk, partner.encrypted(CONTENT, [PARTNER]), failures.NoDecryptionKey)
    assert PARTNER.facts.key_ids[1] in failure.detail
    hidden = partner.encrypted(CONTENT, [PARTNER], "--throw-keyids")
    assert "hid" in (await _refused(desk, hidden, failures.NoDecryptionKey)).detail


async def test_a_wrong_passphrase_of_ours_is_named(desk: Desk, partner: Sender) -> None:
    locked = Bundle(own=(replace(OURS, passphrase="wrong"),))
    await _refused(desk, partner.encrypted(CONTENT, [OURS]), failures.WrongPassphrase, bundle=locked)


async def test_a_password_that_we_do_not_have_is_named(desk: Desk, partner: Sender) -> None:
    sent = partner.encrypted(CONTENT, password="one that we do not know")
    await _refused(desk, sent, failures.WrongPassword)
    await _refused(desk, sent, failures.WrongPassword, bundle=Bundle(own=(OURS,)))


async def test_what_is_not_protected_against_changes_is_refused(desk: Desk, partner: Sender) -> None:
    sent = partner.encrypted(CONTENT, [OURS], "--rfc2440", "--disable-mdc")
    await _refused(desk, sent, failures.NotIntegrityProtected)


@pytest.mark.parametrize("place", [-1, -10, -30, -60])
async def test_a_changed_byte_is_noticed(desk: Desk, partner: Sender, place: int) -> None:
    sent = bytearray(partner.encrypted(CONTENT, [OURS], "--compress-algo", "none"))
    sent[place] ^= 1
    await _refused(desk, bytes(sent), failures.DamagedMessage)


@pytest.mark.parametrize("cut", [1, 30, 400, 1200])
async def test_a_message_that_is_cut_off_is_noticed(desk: Desk, partner: Sender, cut: int) -> None:
    sent = partner.encrypted(CONTENT, [OURS], "--compress-algo", "none")
    await _refused(desk, sent[:-cut], failures.DamagedMessage)


async def test_a_message_that_is_cut_off_within_its_session_keys_is_noticed(desk: Desk, partner: Sender) -> None:
    await _refused(desk, partner.encrypted(CONTENT, [OURS])[:60], failures.DamagedMessage)


async def test_other_content_behind_a_message_is_noticed(desk: Desk, partner: Sender) -> None:
    sent = partner.encrypted(CONTENT, [OURS])
    await _refused(desk, sent + b"and more", failures.DamagedMessage)
    await _refused(desk, sent + sent, failures.DamagedMessage)


async def test_damaged_armor_is_noticed(desk: Desk, partner: Sender) -> None:
    sent = partner.encrypted(CONTENT, [OURS], "--armor")
    await _refused(desk, sent[:200] + b"!!!!" + sent[204:], failures.DamagedMessage)
    await _refused(desk, sent[: len(sent) // 2], failures.DamagedMessage)


async def test_a_missing_signature_is_noticed(desk: Desk, partner: Sender) -> None:
    await _refused(desk, partner.encrypted(CONTENT, [OURS]), failures.SignatureMissing, SIGNED)
    await _refused(desk, CONTENT, failures.SignatureMissing, SIGNED)


async def test_a_signature_by_somebody_else_is_refused(desk: Desk, partner: Sender) -> None:
    with sender() as other:
        sent = other.knows(OTHER, public(OURS)).signed(CONTENT, OTHER, [OURS])
    await _refused(desk, sent, failures.SignatureRefused, SIGNED)
    await _refused(
        desk, sent, failures.SignatureRefused, SIGNED, replace(BUNDLE, partners=(*BUNDLE.partners, public(OTHER)))
    )


async def test_a_signature_whose_public_key_we_lack_is_refused(desk: Desk, partner: Sender) -> None:
    sent = partner.signed(CONTENT, PARTNER, [OURS])
    await _refused(desk, sent, failures.SignatureRefused, SIGNED, Bundle(own=(OURS,)))


async def test_a_signature_of_other_content_is_refused(desk: Desk, partner: Sender) -> None:
    signed = partner.signed(CONTENT, PARTNER, (), "--compress-algo", "none")
    assert b"ann@shop" in signed
    sent = signed.replace(b"ann@shop", b"eve@shop", 1)
    await _refused(desk, sent, failures.SignatureRefused, SIGNED)


async def test_a_signer_whose_key_has_expired_since_is_refused(desk: Desk) -> None:
    short = made_key("Short", days=1)
    pinned = Policy(require_signature_by=frozenset({short.facts.fingerprint}))
    with sender() as old:
        old.knows(short, public(OURS))
        sent = old.signed(CONTENT, short, [OURS])
        bundle = Bundle(own=(OURS,), partners=(public(short),))
        await _opens(desk, sent, pinned, bundle)
        (desk.folder / "plain").unlink()
        old.run("--quick-set-expire", short.facts.fingerprint, "seconds=1", passphrase=short.passphrase)
        exported = old.run("--armor", "--export", short.facts.fingerprint).decode()
    renewed = keys.imported(exported, None)
    assert isinstance(renewed, PartnerKey)
    end = renewed.facts.expires_at
    assert end is not None
    await eventually(lambda: datetime.now(UTC) > end + timedelta(seconds=1), "the key has expired")
    await _refused(desk, sent, failures.SignatureExpired, pinned, replace(bundle, partners=(renewed,)))


# Bounded.


@cache
def _bomb(kind: str) -> bytes:
    """A compressed packet around zeros, more than any message of its size may hold."""
    zeros = b"\0" * (66 << 20)
    literal = b"\xcb\xff" + (len(zeros) + 6).to_bytes(4, "big") + b"b\0\0\0\0\0" + zeros
    if kind == "bzip2":
        return b"\xa3\x03" + bz2.compress(literal)
    return b"\xa3\x02" + zlib.compress(literal, 6)


@pytest.mark.parametrize("kind", ["zlib", "bzip2"])
async def test_a_bomb_ends_as_a_named_failure(desk: Desk, partner: Sender, kind: str) -> None:
    sent = partner.encrypted(_bomb(kind), [OURS], "--compress-algo", "none", "--no-literal")
    assert len(sent) < 1 << 18
    await _refused(desk, sent, failures.UnpackRatioTooHigh)
    small = Policy(limits=Limits(output_bytes=1 << 20))
    await _refused(desk, sent, failures.UnpackedTooLarge, small)


async def test_a_large_message_without_gnupg_says_what_to_install(desk: Desk, partner: Sender) -> None:
    few = Policy(limits=Limits(without_gpg_bytes=100))
    sent = partner.encrypted(CONTENT, [OURS])
    if desk.gpg is None:
        failure = await _refused(desk, sent, failures.GnupgNeeded, few)
        assert "apt-get install" in failure.what_to_do
    else:
        await _opens(desk, sent, few)


# The other way round.


async def test_what_is_encrypted_here_opens_at_the_partners(desk: Desk, partner: Sender) -> None:
    target = desk.folder / "sealed"
    await message.encrypt(desk.file(CONTENT), target, (public(PARTNER),), OURS, gpg=desk.gpg)
    sealed = target.read_bytes()
    assert b"ann@shop" not in sealed
    assert len(sealed) > len(CONTENT), "not compressed"
    opened = partner.run("--status-fd", "2", "--decrypt", content=sealed, passphrase=PARTNER.passphrase)
    assert opened == CONTENT


async def test_what_is_encrypted_here_opens_here_with_its_signature(desk: Desk) -> None:
    sealed = desk.folder / "fetched"
    await message.encrypt(
        desk.file(CONTENT, "plain file"), sealed, (public(OURS), public(OTHER)), PARTNER, gpg=desk.gpg
    )
    opened = await desk.open(sealed, BUNDLE, SIGNED)
    assert opened.path.read_bytes() == CONTENT


@pytest.mark.parametrize("change", [{"is_revoked": True}, {"expires_at": OURS.facts.created_at}])
async def test_nothing_is_encrypted_to_an_expired_or_revoked_key(desk: Desk, change: dict[str, object]) -> None:
    old = replace(public(PARTNER), facts=PARTNER.facts.model_copy(update=change))
    with pytest.raises(failures.OpenPgpKeyExpired):
        await message.encrypt(desk.file(CONTENT), desk.folder / "sealed", (old,), gpg=desk.gpg)
    assert desk.left() == set()
