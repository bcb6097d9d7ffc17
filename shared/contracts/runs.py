"""Messages about runs: they name the run, and the ledger says the rest."""

from typing import ClassVar
from uuid import UUID

from shared.contracts.message import Message


class RunMessage(Message):
    """A message about one run."""

    run_id: UUID


class FileArrived(RunMessage):
    """A file lies complete in a drop folder and has an import run, or that run may go on."""

    name: ClassVar[str] = "file.arrived.v1"


class ExportRequested(RunMessage):
    """An export run was asked for, or may go on."""

    name: ClassVar[str] = "export.requested.v1"


class RunFinished(RunMessage):
    """A run ended, or waits for a person; its receipt is in the ledger."""

    name: ClassVar[str] = "run.finished.v1"


class ReturnRequested(RunMessage):
    """A run has ended whose goal puts its rejects, or an acknowledgement, back into the drop folder."""

    name: ClassVar[str] = "return.requested.v1"


class ArrivalEnded(Message):
    """The last run of an arrival has ended and its file is not marked yet."""

    name: ClassVar[str] = "arrival.ended.v1"
    arrival_id: UUID
