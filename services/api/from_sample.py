"""Goals that are made from a sample: what was found says how the file is read, and the client the rest.

Whatever the client says stands over what was found. As long as a question about the sample is open, no goal is made of
it. The goal keeps the sample's identity (`made_from`); what becomes of the sample changes nothing of the goal.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.api.access import Visit
from services.api.patches import judged
from services.api.problems import FieldError, Refused
from shared.domain.dialect import AUTO, Dialect
from shared.domain.expected import Expected
from shared.domain.failures import Conflict, InvalidGoal, QuestionsOpen
from shared.domain.findings import Findings
from shared.domain.goal import Goal, ImportGoal, Source
from shared.domain.opt_in import OptIn
from shared.domain.property import Property
from shared.domain.scope import Scope
from shared.processing.goal_settings import goal_settings
from shared.storage import properties, samples
from shared.storage.database import Tx

FROM_SAMPLE = "from_sample"
_GOAL: TypeAdapter[ImportGoal] = TypeAdapter(ImportGoal)
_LAYOUT = (
    *("delimiter", "quoteChar", "escapeChar", "doubleQuote", "skipInitialSpace", "commentChar"),
    *("header", "headerRows", "headerJoin", "commentRows", "sheetName", "sheetNumber"),
)
"""What of a dialect says where the columns are."""


class GoalFromSample(BaseModel):
    """An import of files like a sample.

    Every other field of an import may be given too: it replaces what was found, `dialect` and `unpack` field by field.
    With `create_properties` the sample's proposed properties are made, as far as the goal names them.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: Literal["import_profiles"] = "import_profiles"
    from_sample: UUID = Field(description="A sample of which nothing is open: `settled` in `/v1/samples`")
    name: str = Field(min_length=1, max_length=200)
    source: Source
    opt_in: OptIn


async def goal_of(tx: Tx, visit: Visit, asked: GoalFromSample) -> ImportGoal:
    """The goal that was asked for; with `create_properties` the proposed properties that it needs are there afterwards.

    Raises NotFound, ScopeMissing, Conflict for a sample that was not fetched, Refused with the open questions, and
    RequestValidationError where what was found and what was said are no goal together.
    """
    sample = await samples.get(tx, asked.from_sample)
    if sample.findings is None:
        raise Conflict("The sample has not been fetched.")
    _require_settled(sample.findings)
    found = goal_settings(sample.findings)
    proposed = [Property.model_validate(each) for each in found.pop("properties")]
    said: dict[str, Any] = asked.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={FROM_SAMPLE})
    for name in ("dialect", "unpack"):
        if isinstance(said.get(name), dict):
            said[name] = found[name] | said[name]
    goal = judged(_GOAL, {**found, "made_from": {"sample_id": asked.from_sample}, **said})
    if "expected" not in said:
        goal = goal.model_copy(update={"expected": _still_expected(goal, found)})
    known = {each.name: each for each in await properties.list_all(tx)}
    _require_as_proposed(goal, said, proposed, known)
    if goal.create_properties:
        await _make(tx, visit, proposed, goal, known)
    return goal


async def _make(
    tx: Tx, visit: Visit, proposed: Sequence[Property], goal: ImportGoal, known: Mapping[str, Property]
) -> None:
    """The proposed properties that the goal names and the account lacks, with labels, choices and all."""
    visit.require(Scope.PROFILES_WRITE)
    named = {each.property for each in goal.identifiers} | {each.property for each in goal.mapping}
    for each in proposed:
        if each.name in named - known.keys():
            await properties.define(tx, each)


def _require_as_proposed(
    goal: ImportGoal, said: Mapping[str, Any], proposed: Sequence[Property], known: Mapping[str, Property]
) -> None:
    """Raises Refused where a property of the proposal was made meanwhile, of another type than the sample's values.

    Of a mapping that the client says itself nothing is proposed.
    """
    types = {each.name: each.type for each in proposed}
    errors = [
        FieldError(
            pointer=f"/{part}/{place}/property",
            code="other_type",
            detail=f"Found {entry.property} of type {known[entry.property].type.value}, made since the sample was "
            f"looked at, which proposes {types[entry.property].value}. Send the sample again, or say the {part}.",
        )
        for part in ("identifiers", "mapping")
        if part not in said
        for place, entry in enumerate(getattr(goal, part))
        if entry.property in types
        and entry.property in known
        and known[entry.property].type is not types[entry.property]
    ]
    if errors:
        raise Refused(InvalidGoal(), errors)


def _still_expected(goal: ImportGoal, found: Mapping[str, Any]) -> Expected:
    """What files must go on looking like: as was found, unless the client says that they look otherwise."""
    expected, now = goal.expected, goal.dialect.model_dump(mode="json", by_alias=True)
    before = Dialect().model_dump(mode="json", by_alias=True) | found["dialect"]
    is_other_file = goal.format != found["format"] or goal.unpack.members != found["unpack"].get("members", "*")
    is_other_text = expected.encoding is not None and goal.dialect.encoding != expected.encoding
    if is_other_file or any(now[name] != before[name] for name in _LAYOUT):
        expected = expected.model_copy(update={"header": ()})
    if is_other_file or is_other_text:
        # Names beyond ASCII are others in another encoding.
        header = expected.header if all(map(str.isascii, expected.header)) else ()
        encoding = None if is_other_file or goal.dialect.encoding == AUTO else goal.dialect.encoding
        expected = Expected(encoding=encoding, header=header)
    return expected


async def require_known(tx: Tx, sent: Goal, stored: Goal | None = None) -> None:
    """Raises NotFound where a goal says that it was made from a sample that is not there, and did not say so before."""
    made_from = sent.made_from if isinstance(sent, ImportGoal) else None
    before = stored.made_from if isinstance(stored, ImportGoal) else None
    if made_from is not None and made_from != before:
        await samples.get(tx, made_from.sample_id)


def _require_settled(findings: Findings) -> None:
    if findings.trouble is not None:
        raise QuestionsOpen(f"The sample cannot be read: {findings.trouble.code}.")
    # Texts of questions hold examples from the file, which belong into no error.
    errors = [
        FieldError(
            pointer=f"/{FROM_SAMPLE}",
            code="open_question",
            detail=f"Open is {each.code.value} at {each.pointer} of the findings; see the sample's questions.",
        )
        for each in findings.questions
    ]
    if errors:
        raise Refused(QuestionsOpen(f"Found {len(errors)} open questions."), errors)
