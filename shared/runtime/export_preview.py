"""Show the first rows of an export as they would be written: by the exporter's own selections and formatting.

What a run does with all rows is done with these: a deduplication sees no others. Nothing is stored, and nothing is
logged.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic

from shared.domain.export_goal import ExportGoal
from shared.domain.export_names import ExportName
from shared.domain.failures import Permanent, PreviewTooSlow
from shared.domain.findings import Trouble
from shared.domain.preview import ExportedPart, ExportPreview
from shared.runtime.table_text import TableText, Told
from shared.storage import segments
from shared.storage.answer_time import ANSWER_SECONDS, NoAnswer, answered_within
from shared.storage.copy_out import copy_out
from shared.storage.database import Tx
from shared.storage.selections.of_goal import selections_of
from shared.storage.selections.selection import Selection


async def export_preview(tx: Tx, goal: ExportGoal, rows: int, *, seconds: float = ANSWER_SECONDS) -> ExportPreview:
    """The files that the goal comes to now, each of so many selected rows. `tx` is read-only.

    Raises PreviewTooSlow where the main file is not found in that time; further ones are left out then.
    """
    now, ends = datetime.now(UTC), monotonic() + seconds
    try:
        async with answered_within(tx, seconds):
            selections = await selections_of(tx, goal, now=now)
            name = goal.name_of(goal.target.named(now, await segments.name_of(tx, goal.named_after)))
        blocks = await _blocks(tx, [each.first(rows) for each in selections], ends)
        # The first rows of tables are small, and yet not formatted while everybody else waits.
        files = [
            await asyncio.to_thread(_part, selection, block, goal, name.beside(selection.part))
            for selection, block in zip(selections, blocks, strict=False)
        ]
    except NoAnswer as error:
        raise PreviewTooSlow(f"Found no rows within {seconds:.0f} seconds.") from error
    except Permanent as failure:
        sentence = f"{failure.sentence} {failure.detail}".strip()
        return ExportPreview(trouble=Trouble(code=failure.code, sentence=sentence, what_to_do=failure.what_to_do))
    left = [_shown_name(name.beside(each.part), goal) for each in selections[len(blocks) :]]
    return ExportPreview(files=tuple(files), not_shown=tuple(left))


async def _blocks(tx: Tx, selections: Sequence[Selection], ends: float) -> list[bytes]:
    """The rows of the first selections, as far as the time lasts. Raises NoAnswer where it does not for the first."""
    blocks: list[bytes] = []
    for each in selections:
        try:
            async with answered_within(tx, ends - monotonic()):
                blocks.append(await _block(tx, each))
        except NoAnswer:
            if not blocks:
                raise
            break
    return blocks


def _shown_name(name: ExportName, goal: ExportGoal) -> str:
    return (name if goal.split is None else name.piece(1)).whole


async def _block(tx: Tx, selection: Selection) -> bytes:
    blocks: list[bytes] = []

    async def take(block: bytes) -> None:
        blocks.append(block)

    await copy_out(tx, selection, take)
    return b"".join(blocks)


def _part(selection: Selection, block: bytes, goal: ExportGoal, name: ExportName) -> ExportedPart:
    with TableText(selection, goal, Told()) as text:
        if text.looks_first:
            if block:
                text.look(block)
            text.seen_all()
        content = text.head()
        rows: list[tuple[str | None, ...]] = []
        for frame in text.frames(block) if block else ():
            content += text.lines(frame)
            rows += frame.rows()
        return ExportedPart(
            name=_shown_name(name, goal),
            columns=text.header,
            rows=tuple(rows),
            text=content.decode(goal.dialect.encoding),
            held_back=dict(text.tally.held_back),
            left_out=dict(text.tally.left_out),
        )
