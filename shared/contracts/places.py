"""Messages about places: uploads on hosted folders, questions to partners, and what people should know."""

from typing import ClassVar
from uuid import UUID

from shared.contracts.message import Message


class UploadClosed(Message):
    """A client finished an upload to a hosted drop folder."""

    name: ClassVar[str] = "upload.closed.v1"
    upload_id: UUID


class InquiryAsked(Message):
    """Somebody asked something of a partner's server, which only the poller may contact."""

    name: ClassVar[str] = "inquiry.asked.v1"
    inquiry_id: UUID


class NotificationRaised(Message):
    """There is something that a person should know or do."""

    name: ClassVar[str] = "notification.raised.v1"
    notification_id: UUID
