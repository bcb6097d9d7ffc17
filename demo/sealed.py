"""The demonstration's third file: zipped, encrypted to a key of the account, and set up from a sample of itself.

Another system's words for choices and its opt-ins are in it. The sample proposes packing, dialect, mapping and what the
words stand for; what is added to the proposal is consent, which is stated and never guessed.
"""

import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.client import Client
from demo.generate import INTERESTS, STATUSES, Made, member, members
from shared.formats.openpgp import keys
from shared.formats.openpgp.gpg import find_programs
from shared.formats.openpgp.message import encrypt

CONSENT = "Newsletter"
"""The column that says yes or no."""


async def seal(client: Client, made: Made, directory: Path) -> Path:
    """The file as a partner sends it, who has the public half of a key that the account makes."""
    key = keys.imported(await client.make_openpgp_key("Shop"), None)
    packed, sealed = directory / "members.zip", directory / f"{Path(made.name).stem}.zip.pgp"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(made.name, made.content)
    await encrypt(packed, sealed, (key,), gpg=find_programs())
    packed.unlink()
    return sealed


async def goal_from_sample(client: Client, file: Path, console: Console) -> dict[str, Any]:
    """A goal made of what a sample of the file proposes, for files of such names."""
    for name, kind, choices in (("status", "single_choice", STATUSES), ("interests", "multi_choice", INTERESTS)):
        await client.make_property({"name": name, "type": kind, "choices": list(choices)})
    sample = await client.take_sample(file)
    proposed = sample["goal"]
    if proposed is None:
        raise RuntimeError(f"the sample leaves something open: {sample['findings']['questions']}")
    console.print(
        f"the sample is {sample['findings']['packing']['value']}; it proposes {proposed['mapping']}", markup=False
    )
    return {
        "kind": "import_profiles",
        "from_sample": sample["id"],
        "create_properties": True,
        "name": "Members",
        "source": {"pattern": {"wildcard": "members_*.zip.pgp"}, "readiness": {"strategy": "closed"}},
        "unpack": {"decrypt": "required"},
        "mapping": [entry for entry in proposed["mapping"] if entry["field"] != CONSENT],
        "opt_in": {"declaration": "from_file", "field": CONSENT},
        "feedback": {"emails": ["crm@shop.example"], "when": "always"},
    }


async def differences(client: Client) -> AsyncIterator[str]:
    """What of some profiles is not as their rows say, consent included."""
    numbers = members()
    for number in (numbers[0], numbers[1], numbers[-2], numbers[-1]):
        expected = member(number)
        profile = await client.profile(expected.email)
        found = {name: profile["properties"][name] for name in ("status", "interests", "last_seen")}
        found["opt_in"] = profile["opt_in"]
        wanted = {
            "status": expected.status,
            "interests": expected.interests,
            "last_seen": expected.last_seen,
            "opt_in": expected.newsletter,
        }
        if found != wanted:
            yield f"{expected.email}: found {found}, expected {wanted}"
