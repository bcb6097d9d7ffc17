"""The roads that a file, an export or a question takes, and the end that each must come to, whatever strikes on it.

A road is prepared, then a failpoint on it is armed, then it is driven. Its clients are as patient as real ones: what
breaks off or is not answered they do again.
"""

from tests.faults.roads.decisions import ApprovalRoad, CancelRoad, GuardRoad, RetryRoad, SameContentRoad
from tests.faults.roads.exports import ChangesRoad, ExportRoad, FollowingRoad, PackedExportRoad, ScheduledRoad
from tests.faults.roads.heirs import LostMarkRoad, LostQuestionRoad, LostReturnRoad, LostRingRoad, LostWorkerRoad
from tests.faults.roads.imports import ListRoad, LookRoad, ManualRoad, OneShotRoad, RenameRoad, ReturnRoad, UnfitRoad
from tests.faults.roads.questions import QuestionRoad, SampleRoad
from tests.faults.roads.road import OneRunRoad, Road

__all__ = [
    "ApprovalRoad",
    "CancelRoad",
    "ChangesRoad",
    "ExportRoad",
    "FollowingRoad",
    "GuardRoad",
    "ListRoad",
    "LookRoad",
    "LostMarkRoad",
    "LostQuestionRoad",
    "LostReturnRoad",
    "LostRingRoad",
    "LostWorkerRoad",
    "ManualRoad",
    "OneRunRoad",
    "OneShotRoad",
    "PackedExportRoad",
    "QuestionRoad",
    "RenameRoad",
    "RetryRoad",
    "ReturnRoad",
    "Road",
    "SameContentRoad",
    "SampleRoad",
    "ScheduledRoad",
    "UnfitRoad",
]
