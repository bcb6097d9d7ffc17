"""Where the notifier is put together and run."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.headerregistry import Address

from services.notifier.deliver import deliver
from services.notifier.handlers import handlers
from services.notifier.mail import sender_address
from services.notifier.sender import FolderSender, Sender, SmtpSender, smtp_server
from services.notifier.sweep import sweep
from services.notifier.tools import Patience, Tools
from shared.bus.consumer import consume_messages
from shared.bus.topology import NOTIFIER
from shared.runtime.clients import networks
from shared.runtime.service import Base
from shared.runtime.settings import Settings, SettingsError
from shared.transfer.addresses import AddressPolicy


def tools_of(base: Base) -> Tools:
    """The notifier's tools, from what every service has. Raises SettingsError."""
    settings = base.settings
    mail_from = _mail_from(settings)
    return Tools(
        database=base.database,
        metrics=base.metrics,
        sender=_sender(settings, mail_from),
        mail_from=mail_from,
        rng=random.SystemRandom(),
        patience=Patience(
            first_pause_seconds=settings.retry_base_seconds,
            shutdown_seconds=settings.shutdown_seconds,
            lease_seconds=settings.lease_seconds,
        ),
    )


@asynccontextmanager
async def running(base: Base, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Plan and send mails while inside; leave when told to stop and the mails in hand are done with."""
    tools = tools_of(base)
    ours = handlers(tools)
    async with consume_messages(base.bus, NOTIFIER, ours, base.metrics), asyncio.TaskGroup() as group:
        group.create_task(deliver(tools, stopping), name="deliver")
        group.create_task(sweep(tools, ours, stopping), name="sweep")
        yield


def _mail_from(settings: Settings) -> Address:
    try:
        return sender_address(settings.mail_from)
    except ValueError as error:
        raise SettingsError(f"TIDEGATE_MAIL_FROM: {error}.") from None


def _sender(settings: Settings, mail_from: Address) -> Sender:
    """A directory where one is named, else the mail server."""
    if settings.mail_directory is not None:
        return FolderSender(settings.mail_directory)
    url = settings.smtp_url.get_secret_value()
    if not url:
        raise SettingsError("TIDEGATE_SMTP_URL must be set, or TIDEGATE_MAIL_DIRECTORY to write mails as files.")
    policy = AddressPolicy(networks(settings.allowed_networks) + networks(settings.smtp_networks))
    try:
        return SmtpSender(smtp_server(url), our_name=mail_from.domain, policy=policy)
    except ValueError as error:
        raise SettingsError(f"TIDEGATE_SMTP_URL: {error}.") from None
