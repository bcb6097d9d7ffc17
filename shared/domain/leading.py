"""What a manual import says for the goals that it leads: what files mean. How they arrive stays each goal's own.

The file that was sent by hand may come plain and hold everybody, and the nightly one packed what has changed, so these
are a goal's own as well. Pure.
"""

from collections.abc import Iterator

from shared.domain.dialect import AUTO
from shared.domain.expected import MAX_COLUMNS, Expected
from shared.domain.fields import MAX_COLUMN_NAME
from shared.domain.goal import ImportGoal, LedBy
from shared.domain.receipt import Receipt

OWN = frozenset(
    {
        "kind", "name", "active", "position", "source", "unpack", "feedback", "duplicate_content", "allow_empty_file",
        "hold_order_for_seconds", "full_file", "absent", "guards", "rejects", "led_by", "made_from", "when",
        "blackouts",
        "expect",
    }
)  # fmt: skip
"""Fields that no import leads. Whatever else a goal says is the import's."""
NEVER_TAKEN = ("active", "position", "source", "full_file", "absent", "guards", "led_by")
"""Of these, what a new goal does not even begin with: a nightly file must not take people off for those it lacks
because a file that was sent by hand held everybody."""
LED = tuple(sorted(ImportGoal.model_fields.keys() - OWN))


def proved(import_: ImportGoal, receipt: Receipt) -> ImportGoal:
    """What a manual import says, with what was found in its file: later files are measured against it."""
    columns = () if receipt.file is None else receipt.file.columns
    is_fit = len(columns) <= MAX_COLUMNS and all(len(name) <= MAX_COLUMN_NAME for name in columns)
    expected = Expected(encoding=_encoding(import_, receipt), header=columns if is_fit else ())
    return import_.model_copy(update={"expected": expected})


def _encoding(import_: ImportGoal, receipt: Receipt) -> str | None:
    """What was found out, where that is one; else what was said, unless reading proves it anyway."""
    found = None if receipt.file is None else receipt.file.encoding
    if found is not None:
        return None if "," in found else found
    said = import_.dialect.encoding
    return None if import_.format == "xlsx" or said in (AUTO, "utf-8") else said


def led(goal: ImportGoal, led_by: LedBy, import_: ImportGoal) -> ImportGoal:
    """The goal as the import leads it; what is the goal's own stays."""
    return goal.model_copy(update={name: getattr(import_, name) for name in LED} | {"led_by": led_by})


def would_judge_others(goal: ImportGoal, following: ImportGoal) -> str:
    """Why a goal must not follow an import by itself: others would count as absent from its full files; "" if not.

    What the nightly file unsubscribes from one list, an import by hand that names no list would unsubscribe from all.
    """
    if not goal.judges_absent:
        return ""
    other = [name for name in _LOOKED_AT if getattr(goal, name) != getattr(following, name)]
    return (
        f"/{other[0]}: Others would count as absent from the goal's full files; a person decides that." if other else ""
    )


_LOOKED_AT = ("domain_group", "lists", "identifiers", "processors")
"""What says who is looked at, and whom a file names."""


def astray(goal: ImportGoal, import_: ImportGoal) -> Iterator[str]:
    """The fields of a led goal that say something else than its import, by the names that they have in JSON."""
    for name in LED:
        # What files are measured against is where a goal began, and may be mended.
        if name != "expected" and getattr(goal, name) != getattr(import_, name):
            yield ImportGoal.model_fields[name].alias or name
