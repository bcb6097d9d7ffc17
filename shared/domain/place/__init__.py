"""The kinds of places that a connection leads to, one file a kind, told apart by their `transport`.

    PartnerPlace   on a partner's server: it is dialled, it has to prove who it is, and somebody logs in
    DropPlace      every place that has a drop folder
    BuiltInPlace   where nobody looks: files come because a client asked
    Place          all of them

A new kind is written into a file of its own and named below. Secrets are no part of a place.
"""

from typing import Annotated

from pydantic import Field

from shared.domain.place.directory import DirectoryPlace
from shared.domain.place.ftps import FtpsPlace
from shared.domain.place.hosted import HostedPlace
from shared.domain.place.manual import ManualPlace
from shared.domain.place.one_shot import OneShotPlace
from shared.domain.place.sftp import SftpPlace
from shared.domain.place.webdav import WebDavPlace

PartnerPlace = SftpPlace | FtpsPlace | WebDavPlace
DropPlace = Annotated[
    SftpPlace | FtpsPlace | WebDavPlace | HostedPlace | DirectoryPlace, Field(discriminator="transport")
]
BuiltInPlace = ManualPlace | OneShotPlace
Place = Annotated[
    SftpPlace | FtpsPlace | WebDavPlace | HostedPlace | DirectoryPlace | BuiltInPlace, Field(discriminator="transport")
]

__all__ = [
    "BuiltInPlace",
    "DirectoryPlace",
    "DropPlace",
    "FtpsPlace",
    "HostedPlace",
    "ManualPlace",
    "OneShotPlace",
    "PartnerPlace",
    "Place",
    "SftpPlace",
    "WebDavPlace",
]
