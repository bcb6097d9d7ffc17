"""All messages there are, by name."""

from shared.contracts.message import Message
from shared.contracts.places import InquiryAsked, NotificationRaised, UploadClosed
from shared.contracts.runs import ArrivalEnded, ExportRequested, FileArrived, ReturnRequested, RunFinished

CATALOGUE: dict[str, type[Message]] = {
    message.name: message
    for message in (
        UploadClosed,
        FileArrived,
        ArrivalEnded,
        ReturnRequested,
        ExportRequested,
        RunFinished,
        InquiryAsked,
        NotificationRaised,
    )
}
"""Name -> model. What is not here is parked by whoever receives it."""
