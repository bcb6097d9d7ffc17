"""Every failure has a status, and every code stands in the catalogue."""

import json
import re
from pathlib import Path

import pytest

from services.api import problems
from shared.domain import failures
from shared.domain.failures import Failure
from shared.processing import goal_checks
from shared.processing.goal_flaws import FLAW_CODES


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (failures.NotFound(), 404),
        (failures.AlreadyExists(), 409),
        (failures.OlderThanCompleted(), 409),
        (failures.GoalInactive(), 409),
        (failures.VersionStale(), 412),
        (failures.VersionRequired(), 428),
        (failures.InvalidGoal(), 422),
        (failures.Unauthenticated(), 401),
        (failures.ScopeMissing(), 403),
        (failures.StorageUnavailable(), 503),
        (failures.HeaderChanged(), 500),
    ],
)
def test_a_failure_is_answered_with_its_status(failure: Failure, status: int) -> None:
    assert problems.answer(failure).status_code == status


def test_what_no_request_can_lead_to_is_told_as_our_own_mistake() -> None:
    answer = problems.answer(failures.HeaderChanged("Found 'E-mail'."))
    told = json.loads(bytes(answer.body))
    assert (told["code"], told["detail"]) == ("internal_error", "")


def test_every_failure_of_the_domain_is_in_the_catalogue_with_a_sentence() -> None:
    told = problems.catalogue()
    for name, kind in vars(failures).items():
        if isinstance(kind, type) and issubclass(kind, Failure) and not kind.__subclasses__():
            assert told.get(kind.code, "").endswith("."), name


def test_codes_are_not_shared_by_failures() -> None:
    kinds = [kind for kind in vars(failures).values() if isinstance(kind, type) and issubclass(kind, Failure)]
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_every_flaw_of_a_goal_is_in_the_catalogue() -> None:
    checks = Path(goal_checks.__file__).parent.glob("*_checks.py")
    source = "\n".join(each.read_text("utf-8") for each in checks)
    used = set(re.findall(r'Flaw\([^"]*"[^"]*",\s*"([a-z_]+)"', source))
    assert used
    assert used <= FLAW_CODES.keys()
    assert FLAW_CODES.keys() <= problems.catalogue().keys()
