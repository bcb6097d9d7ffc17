"""A merge's statements: the fixed frames of merge.sql, filled with the account's columns. Decides nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from shared.domain.merge import MergeRule, Mode
from shared.domain.property import Property
from shared.domain.reject import RejectCode
from shared.storage import columns, consent, widths
from shared.storage.columns import Column, Layout
from shared.storage.consent import Word
from shared.storage.database import Record, Tx
from shared.storage.staging import ASIDE, LATE, NAMED, Staged
from shared.storage.statements import statement


@dataclass(frozen=True)
class Work:
    """One merge at work: its transaction, what is staged, and the frames to do it with."""

    tx: Tx
    run_id: UUID
    staged: Staged
    mode: Mode
    domain_group: int
    properties: tuple[Property, ...]
    said: tuple[str, datetime]
    """Where words about consent come from, and when they were heard."""

    @property
    def may_overflow(self) -> bool:
        """Whether the account has so many properties that a profile can be too wide for a page."""
        return widths.may_overflow(widths.profile_types(self.properties))

    @property
    def layout(self) -> Layout:
        """The columns of the rows."""
        return self.staged.layout

    @property
    def is_resolved(self) -> bool:
        """Whether each row's profile is told beside it: where it takes more than the value of one identifier."""
        return len(self.layout.keys) != 1 or self.layout.finds_by_id or bool(self.layout.claimed)

    @property
    def may_repeat(self) -> bool:
        """Whether several rows may be one profile's; different identifiers can always lead to the same."""
        return bool(self.layout.keys) and (self.is_resolved or self.staged.may_repeat)

    @property
    def mapped(self) -> tuple[Column, ...]:
        """What can change in a profile that was found; the only identifier it was found by cannot."""
        return self.layout.written if self.is_resolved else self.layout.values

    @property
    def says(self) -> bool:
        """Whether the rows have a word about consent."""
        return bool(self.layout.words)

    def word(self, alias: str = "e", first: int = 1) -> Word:
        """The word of a row; a statement that takes `said` has it in its parameters from that number on."""
        says, *at = (f"{alias}.{column.quoted}" for column in self.layout.words)
        stated = {"at": at[0]} if at else {}
        return Word(
            says,
            **stated,
            source=f"${first}::text",
            heard_at=f"${first + 1}::timestamptz",
            resubscribe=self.layout.resubscribe,
        )

    @property
    def said_args(self) -> tuple[Any, ...]:
        """The parameters of statements that write words."""
        return self.said if self.says else ()

    @cached_property
    def common(self) -> dict[str, str]:
        """The slots that every frame may use."""
        names = [*(column.name for column in self.layout.written), *(consent.WRITTEN if self.says else ())]
        # What is noted of a suppression follows from what is planned, and so is not planned itself.
        inserted = [*names, consent.NOTED] if self.says else names
        carried = [column.name for column in self.layout.carried]
        anchor = columns.quoted("target") if self.is_resolved else self.layout.keys[0].quoted
        return self._naming | {
            "schema": self.tx.schema,
            "domain_group": str(int(self.domain_group)),
            "staging": self.staged.table(),
            "resolved": self.staged.table("_r"),
            "doubled": self.staged.table("_d"),
            "folded": self.staged.table("_f"),
            "plan": self.staged.table("_p"),
            "aside": self.staged.table(ASIDE),
            "late": self.staged.table(LATE),
            "anchor": anchor,
            "names": columns.listed(inserted),
            "s_columns": columns.listed(carried, "s"),
            "f_columns": columns.listed(carried, "f"),
            "x_columns": columns.listed(names, "x"),
            "x_keys": columns.listed((key.name for key in self.layout.keys), "x") or "x.target DESC",
            "hash_s": "s.target" if self.is_resolved else f"hashtextextended(s.{anchor}, 0)",
            "own_s": self._own("s"),
            "own_e": self._own("e"),
            "own_f": self._own("f"),
            "own_g": self._own("g"),
        }

    def text(self, name: str, **slots: str) -> str:
        """A frame with its slots filled."""
        return self.filled(statement(name), **slots)

    def filled(self, text: str, **slots: str) -> str:
        """A text with its slots filled."""
        # Fragments given for this frame may use the common slots in their turn, and `source` may too.
        for slot, fragment in (*slots.items(), ("source", self._source), *self.common.items()):
            text = text.replace("{" + slot + "}", fragment)
        return text

    async def run(self, name: str, *args: Any, **slots: str) -> int:
        """Run a frame; how many rows it touched."""
        status = await self.tx.connection.execute(self.text(name, **slots), *args)
        return int(status.rsplit(" ", 1)[-1]) if status[-1].isdigit() else 0

    async def reject(self, name: str, code: RejectCode, *args: Any, **slots: str) -> int:
        """Run a frame that moves rows to those which are rejected late, with a code; how many."""
        await self.run("merge.keep_late")
        return await self.run(name, code.value, *args, **slots)

    async def fetch(self, name: str, *args: Any, **slots: str) -> list[Record]:
        """All rows of a frame."""
        return await self.tx.connection.fetch(self.text(name, **slots), *args)

    def rows(self, *, is_folded: bool) -> str:
        """The select of one row `e` for each profile of the file."""
        return statement("merge.rows_and_folded" if is_folded else "merge.rows")

    def fold_slots(self) -> dict[str, str]:
        """How doubled profiles are folded: aggregates, and a join for each list that grows."""
        folds, lists, chosen = [], [], []
        for number, column in enumerate(self.layout.written):
            if column.rule is MergeRule.ADD:
                lists.append(
                    f" LEFT JOIN ({columns.folded_list(column)}) l{number} ON l{number}.{{anchor}} = g.{{anchor}}"
                )
                chosen.append(f"l{number}.{column.quoted}")
            else:
                chosen.append(f"g.{column.quoted}")
                if not self._is_anchor(column):
                    folds.append(f"{columns.folded(column)} AS {column.quoted}")
        for flag in self.layout.flags:
            chosen.append(f"g.{flag.quoted}")
            folds.append(f"{columns.folded_flag(flag)} AS {flag.quoted}")
        if self.says:
            word = self.word("s")
            for column, fold in zip(self.layout.words, (word.folded, word.folded_at), strict=False):
                chosen.append(f"g.{column.quoted}")
                folds.append(f"{fold} AS {column.quoted}")
        return {
            "folds": "".join(f", {fold}" for fold in folds),
            "chosen": ", ".join(chosen),
            "lists": "".join(lists),
        }

    def fold(self) -> str:
        """The select of one row for each profile that the file names more than once."""
        return self.text("merge.folding", **self.fold_slots())

    def same_profile(self, alias: str) -> list[str]:
        """For each of the goal's identifiers, the condition that it names the profile `p`."""
        return [self.names_profile(key, alias) for key in self.layout.keys]

    def names_profile(self, key: Column, alias: str) -> str:
        """The condition that a key names the profile `p`."""
        stored = "id" if self.layout.finds_by_id and key in self.layout.keys else key.quoted
        return f"p.domain_group = {{domain_group}} AND p.{stored} = {alias}.{key.quoted}"

    def plan_slots(self, *, is_folded: bool) -> dict[str, str]:
        """What is written, for whom, and when it is worth writing."""
        creates_only = self.mode is Mode.CREATE_ONLY
        changes = [] if creates_only else [columns.changed(each) for each in self.mapped]
        merged = [
            f"e.{column.quoted}" if self._is_anchor(column) else f"{columns.merged(column)} AS {column.quoted}"
            for column in self.layout.written
        ]
        if self.says:
            word = self.word()
            # Who opts out is heard, also by a goal that touches nobody whom it did not make.
            changes.append(word.withdraws if creates_only else word.changes)
            merged += [f"{word.after(column)} AS {column}" for column in consent.WRITTEN]
        return {
            "rows": self.rows(is_folded=is_folded),
            "merged": ", ".join(merged),
            "same": self._same,
            "changed": any_of(changes),
        }

    def withheld(self, *, is_folded: bool) -> str:
        """The statement that counts the profiles to which an opt-in did not apply."""
        return self.filled(self.word().count_withheld, rows=self.rows(is_folded=is_folded), same=self._same)

    def assigned(self) -> str:
        """What an update sets: only consent where nothing else of a known profile may change."""
        assigned = "" if self.mode is Mode.CREATE_ONLY else columns.assigned(self.mapped)
        word = [f"{column} = x.{column}" for column in consent.WRITTEN] if self.says else []
        word += [f"{consent.NOTED} = {consent.noted('x.suppression', 'x.suppressed_at')}"] if self.says else []
        return ", ".join(filter(None, (assigned, *word)))

    def inserted(self) -> str:
        """What an insert of planned profiles takes."""
        written = [columns.written(column) for column in self.layout.written]
        if self.says:
            written += [*(f"x.{column}" for column in consent.WRITTEN), consent.newly_noted("x.suppression")]
        return ", ".join(written)

    def initial(self) -> str:
        """What new profiles have after their rows; `said` follows the run's parameter."""
        values = [columns.initial(column) for column in self.layout.written]
        if self.says:
            word = self.word(first=2)
            values += [word.initial(column) for column in consent.WRITTEN]
            values.append(consent.newly_noted(word.initial("suppression")))
        return ", ".join(values)

    def range_slots(self, *, judged: str = "{plan}") -> dict[str, str]:
        """How sums that cannot be stored are found in the plan or the folded rows, with the rows that feed them."""
        sums = self.layout.sums
        feeds = [f"u.unfit_{n} AND s.{column.quoted} IS NOT NULL" for n, column in enumerate(sums)]
        return self._profile_slots() | {
            "judged": judged,
            "unfit": ", ".join(
                f"coalesce({columns.out_of_range(column)}, false) AS unfit_{n}" for n, column in enumerate(sums)
            ),
            "any_unfit": any_of(columns.out_of_range(column) for column in sums),
            # Only a first file is judged by its folded rows, and there everything is new.
            "is_written": self._is_written("x") if judged == "{plan}" else "true",
            "feeds": any_of(feeds),
            "which": " ".join(f"WHEN {feed} THEN {n}" for n, feed in enumerate(feeds)),
        }

    def folded_width_slots(self) -> dict[str, str]:
        """How doubled profiles are found of which the file says too much."""
        width = widths.width((f"f.{column.quoted}", column.type) for column in self.layout.written)
        slots = {"fold": self.fold(), "width": width, "limit": str(widths.LIMIT_BYTES)}
        return self._profile_slots() | {"too_wide": self.text("merge.folded_too_wide", **slots)}

    def merged_width_slots(self, *, is_folded: bool) -> dict[str, str]:
        """How profiles are found that would be too wide: with what the file does not touch, too."""
        values = {column.name: (columns.merged(column), column.type) for column in self.layout.written}
        for each in self.properties:
            values.setdefault(each.column, (f"p.{columns.quoted(each.column)}", columns.TYPES[each.type]))
            if each.is_identifier:
                values.setdefault(each.key_column, (f"p.{columns.quoted(each.key_column)}", columns.KEY_TYPE))
        slots = self.plan_slots(is_folded=is_folded) | {
            "width": widths.width(values.values()),
            "limit": str(widths.LIMIT_BYTES),
            "is_written": self._is_written("p"),
        }
        return self._profile_slots() | {"too_wide": self.text("merge.merged_too_wide", **slots)}

    def _profile_slots(self) -> dict[str, str]:
        """How the staged rows `s` of profiles `u` are found."""
        if self.is_resolved:
            return {
                "also": ", {resolved} r",
                "of_profile": "s.record_number = r.record_number AND r.target = u.target",
            }
        return {"also": "", "of_profile": "s.{anchor} = u.{anchor}"}

    def _is_written(self, alias: str) -> str:
        """Whether the mapped values of a row reach a profile, which is stored where it has a number."""
        match self.mode:
            case Mode.UPSERT | Mode.ALWAYS_CREATE:
                return "true"
            case Mode.CREATE_ONLY:
                return f"{alias}.id IS NULL"
            case Mode.UPDATE_ONLY:
                return f"{alias}.id IS NOT NULL"

    @property
    def _same(self) -> str:
        """Whether a stored profile is a row's."""
        return "p.id = e.target" if self.is_resolved else "p.domain_group = {domain_group} AND p.{anchor} = e.{anchor}"

    @property
    def _source(self) -> str:
        return "(" + statement("merge.resolved_rows") + ")" if self.is_resolved else "{staging}"

    @property
    def _naming(self) -> dict[str, str]:
        """How rows that are rejected leave word of whom they name, where that is asked."""
        if not self.staged.names_rejects:
            return {"gone_keys": "", "naming": "", "named": ""}
        keys = columns.listed(key.name for key in self.layout.kept)
        names = [each.name for each in (*self.layout.kept, *self.layout.words[:1])]
        text = statement("named_rejects.keep").replace("{keys}", keys)
        return {
            "gone_keys": ", " + columns.listed(names, "s"),
            "naming": ", " + text.replace("{opt_out}", "NOT opt_in" if self.says else "NULL"),
            "named": self.staged.table(NAMED),
        }

    def _own(self, alias: str) -> str:
        return f"{alias}.target, " if self.is_resolved else ""

    def _is_anchor(self, column: Column) -> bool:
        return not self.is_resolved and column is self.layout.keys[0]


def any_of(conditions: Iterable[str]) -> str:
    """Conditions of which one is enough; none is never true."""
    return "(" + (" OR ".join(conditions) or "false") + ")"
