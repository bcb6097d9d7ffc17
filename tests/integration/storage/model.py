"""A small model of the merge: rows applied one by one, in plain Python. What the database does must come to the same.

Slow and obvious on purpose; it shares nothing with the code that it judges.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from shared.domain.merge import MergeRule, Mode

RANGES = {
    "integer": (Decimal(-(2**63)), Decimal(2**63 - 1)),
    "number": (Decimal("-9999999999999999999999999999.9999999999"), Decimal("9999999999999999999999999999.9999999999")),
}

Row = dict[str, Any]


@dataclass
class Outcome:
    """What became of the rows of one file."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    affected: int = 0
    rejected: dict[int, str] = field(default_factory=dict)
    by_row: dict[int, str] = field(default_factory=dict)
    """The same of each row that was not rejected."""


@dataclass
class Model:
    """Profiles, the identifiers in order, and the rule of each other property."""

    identifiers: tuple[str, ...]
    rules: dict[str, MergeRule]
    ranges: dict[str, tuple[Decimal, Decimal]]
    """The least and the greatest value of each property that sums."""
    claimed: tuple[str, ...] = ()
    """Those of the others that are identifiers too, which rows set and are not found by."""
    profiles: list[Row] = field(default_factory=list)

    def merge(self, rows: list[Row], mode: Mode) -> Outcome:
        """Merge one file; rows are numbered from 1."""
        outcome = Outcome()
        left = dict(enumerate(rows, start=1))
        while True:
            targets, fated = self._resolve(left, mode)
            unfit = self._unfit(left, targets)
            if not unfit:
                break
            outcome.rejected |= dict.fromkeys(unfit, "out_of_range")
            left = {number: row for number, row in left.items() if number not in unfit}
        outcome.rejected |= fated
        self._apply(left, targets, outcome)
        return outcome

    def _resolve(self, rows: dict[int, Row], mode: Mode) -> tuple[dict[int, int | None], dict[int, str]]:
        """Each row's profile by its place in the list, None for a skipped row; places beyond the end are new.

        And the codes of rows that are nobody's.
        """
        naming = (*self.identifiers, *self.claimed)
        owner = {(i, p[i]): n for n, p in enumerate(self.profiles) for i in naming if p[i] is not None}
        held = [{i: p[i] for i in self.identifiers} for p in self.profiles]
        targets: dict[int, int | None] = {}
        fated: dict[int, str] = {}
        for number, row in rows.items():
            given = {i: row[i] for i in self.identifiers if row[i] is not None}
            found = {i: owner[i, value] for i, value in given.items() if (i, value) in owner}
            if not found:
                if self.identifiers == ("system_id",):
                    fated[number] = "unknown_system_id"
                    continue
                if mode is Mode.UPDATE_ONLY:
                    targets[number] = None
                    continue
                held.append(dict.fromkeys(self.identifiers))
                target = len(held) - 1
            else:
                decider = next(i for i in self.identifiers if i in found)
                target = found[decider]
                before = self.identifiers[: self.identifiers.index(decider)]
                taken = any(i in given and held[target][i] is not None for i in before)
                if taken or len(set(found.values())) > 1:
                    fated[number] = "identifier_conflict"
                    continue
                if mode is Mode.CREATE_ONLY and target < len(self.profiles):
                    targets[number] = None
                    continue
            claims = {i: row[i] for i in self.claimed if row[i] is not None}
            if any(owner.get((i, value), target) != target for i, value in claims.items()):
                fated[number] = "identifier_conflict"
                continue
            targets[number] = target
            for i, value in (given | claims).items():
                owner[i, value] = target
            held[target] |= given
        return targets, fated

    def _unfit(self, rows: dict[int, Row], targets: dict[int, int | None]) -> set[int]:
        unfit = set()
        for name, (least, greatest) in self.ranges.items():
            feeding = {n: t for n, t in targets.items() if t is not None and rows[n][name] is not None}
            for target in set(feeding.values()):
                fed = [n for n, t in feeding.items() if t == target]
                stored = self.profiles[target][name] if target < len(self.profiles) else None
                # Decimal rounds to 28 digits unless it is told otherwise.
                with localcontext(prec=100):
                    if not least <= (stored or 0) + sum(rows[n][name] for n in fed) <= greatest:
                        unfit |= set(fed)
        return unfit

    def _apply(self, rows: dict[int, Row], targets: dict[int, int | None], outcome: Outcome) -> None:
        before = [dict(profile) for profile in self.profiles]
        fed: defaultdict[int, list[int]] = defaultdict(list)
        new: dict[int, Row] = {}
        for number, target in targets.items():
            if target is None:
                outcome.by_row[number] = "skipped"
                continue
            fed[target].append(number)
            if target >= len(before):
                profile = new.setdefault(target, dict.fromkeys((*self.identifiers, *self.rules)))
            else:
                profile = self.profiles[target]
            for i in self.identifiers:
                profile[i] = rows[number][i] if rows[number][i] is not None else profile[i]
            for name, rule in self.rules.items():
                profile[name] = applied(rule, profile[name], rows[number][name])
        for target, numbers in fed.items():
            if target >= len(before):
                became = "created"
            else:
                became = "updated" if self.profiles[target] != before[target] else "unchanged"
            outcome.by_row |= dict.fromkeys(numbers, became)
            outcome.affected += became != "unchanged"
        for became, rows in Counter(outcome.by_row.values()).items():
            setattr(outcome, became, rows)
        self.profiles += new.values()


def applied(rule: MergeRule, stored: Any, value: Any) -> Any:
    """What a rule makes of a stored value and one of the file."""
    if rule is MergeRule.SET_OR_CLEAR:
        return value
    if value is None or value == []:
        return stored
    if rule is MergeRule.SET:
        return value
    if rule is MergeRule.SET_IF_EMPTY:
        return value if stored is None else stored
    if rule is MergeRule.SUM:
        with localcontext(prec=100):
            return (stored or 0) + value
    return (stored or []) + [entry for entry in dict.fromkeys(value) if entry not in (stored or [])]
