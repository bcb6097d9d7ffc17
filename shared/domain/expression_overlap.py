"""Whether some text fits two regular expressions whole. See regular_expression.py.

Both are walked at once, as automata that may be in one place each. Anchors are passed over: the answer may be yes where
it is no, never the other way round. What it may cost is bounded, also over many comparisons: `Budget`.
"""

from dataclasses import dataclass, field

from shared.domain.expression_tree import Anchor, Characters, Choice, Group, Node, Ranges, Repeat, Sequence

MOST_PAIRS = 400_000
_LAST = 0x10FFFF


@dataclass(slots=True)
class Budget:
    """How many pairs of places may still be walked through, by all comparisons together.

    Each may take half of what is left: one that is too much leaves enough for the others to be told from it.
    """

    pairs: int = MOST_PAIRS


@dataclass(slots=True)
class _Automaton:
    """Places numbered from 0; `free` leads on without a character, `steps` with one of a class."""

    free: list[list[int]] = field(default_factory=list)
    steps: list[list[tuple[Ranges, int]]] = field(default_factory=list)

    def place(self) -> int:
        self.free.append([])
        self.steps.append([])
        return len(self.free) - 1

    def add(self, node: Node, start: int) -> int:
        """The place behind a part that begins at a place."""
        match node:
            case Characters():
                end = self.place()
                self.steps[start].append((_ranges(node), end))
                return end
            case Group(inner=inner):
                return self.add(inner, start)
            case Sequence(parts=parts):
                for part in parts:
                    start = self.add(part, start)
                return start
            case Choice(branches=branches):
                end = self.place()
                for branch in branches:
                    self.free[self.add(branch, start)].append(end)
                return end
            case Repeat(inner=inner, least=least, most=most):
                return self._repeated(inner, least, most, start)
            case Anchor():
                return start

    def _repeated(self, inner: Node, least: int, most: int | None, start: int) -> int:
        for _ in range(least):
            start = self.add(inner, start)
        end = self.place()
        if most is None:
            again = self.place()
            self.free[start].append(again)
            self.free[self.add(inner, again)].append(again)
            start = again
        else:
            for _ in range(most - least):
                self.free[start].append(end)
                start = self.add(inner, start)
        self.free[start].append(end)
        return end


def share_a_text(one: Node, other: Node, budget: Budget) -> bool | None:
    """Whether some text fits both whole; None where finding out would take too long."""
    limit = budget.pairs // 2
    left, right = _Automaton(), _Automaton()
    ends = (left.add(one, left.place()), right.add(other, right.place()))
    reached = {(0, 0)}
    frontier = [(0, 0)]
    found: bool | None = False
    while frontier:
        p, q = frontier.pop()
        if (p, q) == ends or len(reached) > limit:
            found = True if (p, q) == ends else None
            break
        following = [(to, q) for to in left.free[p]] + [(p, to) for to in right.free[q]]
        following += [(a, b) for some, a in left.steps[p] for others, b in right.steps[q] if _meet(some, others)]
        for pair in following:
            if pair not in reached:
                reached.add(pair)
                frontier.append(pair)
    budget.pairs -= len(reached)
    return found


def _ranges(characters: Characters) -> Ranges:
    if not characters.is_negated:
        return characters.ranges
    borders = [-1, *(code for pair in characters.ranges for code in pair), _LAST + 1]
    gaps = zip(borders[::2], borders[1::2], strict=True)
    return tuple((before + 1, after - 1) for before, after in gaps if before + 1 <= after - 1)


def _meet(some: Ranges, others: Ranges) -> bool:
    i = j = 0
    while i < len(some) and j < len(others):
        if some[i][1] < others[j][0]:
            i += 1
        elif others[j][1] < some[i][0]:
            j += 1
        else:
            return True
    return False
