"""Which files of an archive a goal would take: all where there is one, else a question."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from shared.domain.asking import Asking
from shared.domain.findings import Choice, Found, QuestionCode

POINTER = "/members"
_MAX_NAMES = 10
_MAX_CHARACTERS = 255
_SPECIAL = "*?"


def find_members(names: Sequence[str], asking: Asking) -> Found[str]:
    """The wildcard of the files that are meant; the names are paths in the archive, at least one."""
    if len(names) == 1:
        return Found(value="*", why=("The archive holds one file.",))
    suffixes = dict.fromkeys(PurePosixPath(name).suffix for name in names)
    patterns = [f"*{suffix}" for suffix in suffixes if suffix] if len(suffixes) > 1 else []
    single = [name for name in names if len(name) <= _MAX_CHARACTERS and not any(c in name for c in _SPECIAL)]
    choices = [
        Choice(
            value=pattern,
            label=pattern,
            consequence=f"{sum(name.endswith(pattern[1:]) for name in names)} of {len(names)} files are imported.",
            example=next(name for name in names if name.endswith(pattern[1:])),
        )
        for pattern in patterns
    ]
    choices.append(
        Choice(value="*", label="all", consequence=f"All {len(names)} files are imported alike.", example=names[0])
    )
    choices += [
        Choice(value=name, label=name, consequence="This file alone is imported.", example=name)
        for name in single[:_MAX_NAMES]
    ]
    found = asking.ask(
        QuestionCode.MEMBERS,
        POINTER,
        f"Which of the {len(names)} files of the archive are meant?",
        choices,
        is_free=True,
    )
    return Found(value=str(found.value), certainty=found.certainty, why=found.why)
