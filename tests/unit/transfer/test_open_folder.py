"""Whatever kind of place a partner has, nothing is dialled before its host has a session for us."""

from pathlib import Path
from typing import Annotated, get_args, get_origin
from uuid import uuid4

import pytest
from pydantic import BaseModel

from shared.domain.connection import Login
from shared.domain.failures import HostBusy
from shared.domain.place import PartnerPlace
from shared.transfer.open_folder import Places, open_folder
from tests.fakes.sessions import FreeSessions

HOST = "host-that-is-not-there.invalid"
EXAMPLES = {
    "sftp": {"host": HOST, "username": "shop"},
    "ftps": {"host": HOST, "username": "shop", "tls": "explicit"},
    "webdav": {"url": f"https://{HOST}/in", "username": "shop"},
}


def _kinds() -> list[type[BaseModel]]:
    union = get_args(PartnerPlace)[0] if get_origin(PartnerPlace) is Annotated else PartnerPlace
    return list(get_args(union)) or [union]


@pytest.mark.parametrize("kind", _kinds(), ids=lambda kind: str(kind.__name__))
async def test_a_partners_place_is_opened_within_a_session_of_its_host(kind: type[BaseModel], tmp_path: Path) -> None:
    transport = get_args(kind.model_fields["transport"].annotation)[0]
    place = kind.model_validate({"transport": transport, **EXAMPLES[transport]})
    places = Places(tmp_path, sessions=FreeSessions(failure=HostBusy()))
    with pytest.raises(HostBusy):
        async with open_folder(place, Login(), places, account_id=uuid4()):  # type: ignore[arg-type]  # it is one of them
            pass
