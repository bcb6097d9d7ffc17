"""Open a fetched file that is encrypted: its plain content, once the whole message has proved whole."""

from pathlib import Path

from services.importer.order import Order
from services.importer.tools import Tools
from shared.formats.openpgp.limits import Limits
from shared.formats.openpgp.message import Policy, decrypt
from shared.formats.unpacking.budget import stricter
from shared.runtime.desk import Desk


async def decode(sealed: Path, order: Order, tools: Tools, desk: Desk) -> Path:
    """The plain file: another one beside it, or the file itself where it is not encrypted.

    Raises what `message.decrypt` raises: nothing plain is left of a message that was refused.
    """
    assert desk.file is not None
    how = order.goal.unpack
    policy = Policy(
        decrypt=how.decrypt,
        require_signature_by=frozenset(how.require_signature_by),
        limits=Limits(
            output_bytes=stricter(tools.max_unpacked_bytes, how.max_unpacked_bytes),
            ratio=stricter(Limits().ratio, how.max_ratio),
        ),
    )
    opened = await decrypt(sealed, sealed.with_name("decrypted"), order.bundle, policy, gpg=tools.gpg)
    for warning in opened.warnings:
        desk.warn(warning.code, warning.detail, warning.what_to_do)
    desk.file = desk.file.model_copy(
        update={
            "was_encrypted": opened.was_encrypted,
            "decrypted_with": opened.key_fingerprint,
            "signed_by": opened.signed_by,
        }
    )
    return opened.path
