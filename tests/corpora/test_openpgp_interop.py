"""openpgp-interop: keys are read, and messages opened or refused by name, as GnuPG does; without GnuPG too.

What differs from the corpus' own expectation stands in a table, each with its reason. Whatever is refused leaves
nothing plain behind.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shared.domain.failures import Failure, UnsupportedOpenPgpKey
from shared.domain.openpgp_key import Bundle, KeyUse, OwnKey, PartnerKey
from shared.formats.openpgp import keys, message
from shared.formats.openpgp.gpg import find_programs
from shared.formats.openpgp.message import Policy
from shared.storage import openpgp_keys
from tests.corpora.folder import FOLDER, entries, needed
from tests.corpora.importing import Importing
from tests.integration.road.place import Tenant

pytestmark = needed
CORPUS = "openpgp-interop"

_LONG_LENGTHS = (
    "unsupported_openpgp_key: End-to-End wrote the parts of its key's signatures with five bytes of length each; pgpy "
    "writes them anew with one before it verifies, so that no signature of the key on itself holds"
)
_NOT_THERE = "no_decryption_key: its key is part of another collection, which is not in the corpora"
_LINE_ENDS = "content: a text in OpenPGP's sense; GnuPG writes the line ends of its own system, as its own command does"
_ELGAMAL = "unsupported_encryption: pgpy knows no ElGamal"
_RSA_OF_ITS_OWN = "unsupported_encryption: pgpy knows no RSA keys of the kinds that only encrypt or only sign"
_KNOWN_TO_BOTH = {
    **dict.fromkeys(("camellia128-001", "camellia192-001", "camellia256-001"), _NOT_THERE),
    **dict.fromkeys(("e2e-001", "e2e-002"), _LONG_LENGTHS),
}
EXCEPTIONS = {
    "gnupg": {**_KNOWN_TO_BOTH, "openpgp-001": _LINE_ENDS},
    "without": {
        **_KNOWN_TO_BOTH,
        "gnupg-v1-001": _RSA_OF_ITS_OWN,
        "gnupg-v1-002": _ELGAMAL,
        "gnupg-v1-003": _RSA_OF_ITS_OWN,
    },
}
KEY_EXCEPTIONS = {
    "keys/e2e-001.asc": _LONG_LENGTHS,
}


def _messages() -> list[dict[str, Any]]:
    return [each for each in entries(CORPUS) if each["kind"] == "pgp-decrypt"] if FOLDER.is_dir() else []


def _keys() -> list[dict[str, Any]]:
    return [each for each in entries(CORPUS) if each["kind"] == "pgp-import"] if FOLDER.is_dir() else []


def _bundle(entry: dict[str, Any]) -> tuple[Bundle, frozenset[str]]:
    """The key that opens a message, and the fingerprint of whoever signed it, where the corpus has them."""
    path, signer = FOLDER / CORPUS / entry["decrypt_key"], entry["verify_key"]
    own = [keys.imported(path.read_text(), entry["passphrase"] or None)] if path.is_file() else []
    partners = [keys.imported((FOLDER / CORPUS / signer).read_text(), None)] if signer else []
    bundle = Bundle(
        own=tuple(key for key in own if isinstance(key, OwnKey)),
        partners=tuple(key for key in partners if isinstance(key, PartnerKey)),
    )
    return bundle, frozenset(key.facts.fingerprint for key in bundle.partners)


async def _outcome(entry: dict[str, Any], way: str, folder: Path) -> str | bytes:
    """The code under which a message is refused, or its content."""
    programs = find_programs() if way == "gnupg" else None
    assert way == "without" or programs is not None, "scripts/install_servers.sh gnupg"
    try:
        bundle, signers = _bundle(entry)
        policy = Policy(decrypt="required", require_signature_by=signers)
        path = FOLDER / CORPUS / entry["file"]
        opened = await message.decrypt(path, folder / "plain", bundle, policy, gpg=programs)
    except Failure as failure:
        return failure.code
    assert opened.signed_by is None or opened.signed_by in signers
    return opened.path.read_bytes()


@pytest.mark.parametrize("way", ["gnupg", "without"])
@pytest.mark.parametrize("entry", _messages(), ids=lambda each: Path(each["file"]).stem)
async def test_a_message_is_opened_or_refused_by_name(entry: dict[str, Any], way: str, tmp_path: Path) -> None:
    name, wanted = Path(entry["file"]).stem, entry["expected_text"].encode()
    code = EXCEPTIONS[way].get(name, "").partition(": ")[0]
    outcome = await _outcome(entry, way, tmp_path)
    if isinstance(outcome, str):
        assert outcome == code
        assert list(tmp_path.iterdir()) == [], "nothing plain is left"
        return
    assert code in ("", "content"), "it opens: the exception is none any more"
    assert outcome == (wanted if not code else wanted.replace(b"\r\n", b"\n"))
    assert [each.name for each in tmp_path.iterdir()] == ["plain"]


@pytest.mark.parametrize("entry", _keys(), ids=lambda each: Path(each["file"]).stem)
def test_a_key_says_only_what_its_own_signatures_hold(entry: dict[str, Any]) -> None:
    case, code = entry["expected"], KEY_EXCEPTIONS.get(entry["file"], "").partition(":")[0]
    text = (FOLDER / CORPUS / entry["file"]).read_text(encoding="utf-8")
    if code:
        with pytest.raises(UnsupportedOpenPgpKey):
            keys.imported(text, None)
        return
    key = keys.imported(text, None)
    assert key.facts.fingerprint == case["expected_fingerprint"].upper()
    assert sorted(key.facts.user_ids) == sorted(case["expected_uids"])
    usable = {each["expected_fingerprint"].upper()[-16:] for each in case["expected_subkeys"]}
    assert usable <= set(key.facts.key_ids)
    if not usable and KeyUse.ENCRYPT in key.facts.uses:
        pytest.fail("a revoked subkey counts as one that encrypts")


@pytest.mark.timeout(600)
async def test_the_whole_road_imports_what_opens_and_leaves_nothing_plain(importing: Importing, tenant: Tenant) -> None:
    await importing.define("line", is_identifier=True)
    messages = {Path(each["file"]).stem: each for each in _messages()}
    await _hand_over(tenant, messages.values())
    for name in messages:
        await importing.define_group(name)
        answer = await importing.save(
            name,
            unpack={"decrypt": "required"},
            dialect={"header": False},
            domain_group=name,
            identifiers=[{"position": 0, "property": "line"}],
        )
        assert answer.status_code == 201, answer.text
    runs = await importing.runs(
        {name: (FOLDER / CORPUS / each["file"]).read_bytes() for name, each in messages.items()}
    )
    outcomes = {}
    for name, run in runs.items():
        found = await importing.all("/v1/profiles", domain_group=name)
        outcomes[name] = (run["receipt"]["reason"] or {}).get("code") or [each["properties"]["line"] for each in found]
    codes = {name: why.partition(": ")[0] for name, why in EXCEPTIONS["gnupg"].items()}
    refused = {name: code for name, code in codes.items() if code != "content"}
    # The two keys that cannot be read are not the account's, and what they would open is opened by none of its keys.
    refused |= dict.fromkeys(("e2e-001", "e2e-002"), "no_decryption_key")
    expected = {name: refused.get(name) or [each["expected_text"].strip()] for name, each in messages.items()}
    assert outcomes == expected
    work = tenant.base.settings.work_directory
    assert [path for path in work.rglob("*") if path.is_file() and path.name != "lock"] == []


async def _hand_over(tenant: Tenant, messages: Iterable[dict[str, Any]]) -> None:
    """Make every key that can be read, of those that open the messages, the account's."""
    found: dict[str, OwnKey] = {}
    for place, passphrase in sorted({(each["decrypt_key"], each["passphrase"]) for each in messages}):
        path = FOLDER / CORPUS / place
        with suppress(UnsupportedOpenPgpKey):
            key = keys.imported(path.read_text(), passphrase or None) if path.is_file() else None
            if isinstance(key, OwnKey):
                found[key.facts.fingerprint] = key
    async with tenant.base.database.account(tenant.account_id) as tx:
        for fingerprint, key in found.items():
            await openpgp_keys.add_own(tx, tenant.base.keys, fingerprint, key, keys.public_part(key))


def test_the_exceptions_are_of_messages_that_there_are() -> None:
    names = {Path(each["file"]).stem for each in _messages()}
    assert len(names) == 39
    for exceptions in EXCEPTIONS.values():
        assert exceptions.keys() <= names
