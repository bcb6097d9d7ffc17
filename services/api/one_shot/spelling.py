"""The names of a one-shot import's request, however they are spelled: without regard to case, as the table of that
page has them and as its sample has them (`Delimeter` and `delimiter`, `post` for `port`, `$settings` for `settings`).

What is left blank is as if it were not there: the table calls that the default. Values are judged elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOP = {"credentials": "credentials", "mappings": "mappings", "listids": "listIds", "settings": "settings"}
_WITHIN: dict[str, dict[str, str]] = {
    "credentials": {
        **{name: name for name in ("hostname", "username", "password", "port", "file")},
        "post": "port",
    },
    "settings": {
        **{
            name: name
            for name in (
                "update_duplicates",
                "update_using",
                "custom_key_position",
                "delimiter",
                "progress_email_address",
            )
        },
        "delimeter": "delimiter",
    },
}
Step = tuple[str, ...]


@dataclass(slots=True)
class Spelled:
    """A request by its canonical names."""

    value: dict[str, Any] = field(default_factory=dict)
    steps: dict[Step, Step] = field(default_factory=dict)
    """How what has a canonical place was spelled in the request."""
    errors: list[dict[str, Any]] = field(default_factory=list)
    """What is wrong with the names, as pydantic tells what is wrong."""

    def sent(self, *step: Any) -> tuple[Any, ...]:
        """Where the request has what stands at a canonical place, or would have it."""
        for length in range(len(step), 0, -1):
            if step[:length] in self.steps:
                return (*self.steps[step[:length]], *step[length:])
        return step


def canonical(body: Mapping[str, Any]) -> Spelled:
    """The request by its canonical names, and what is wrong with the names that it has."""
    found = Spelled()
    found.value = _named(body, _TOP, (), (), found)
    for name, spellings in _WITHIN.items():
        # An empty array of PHP is a list in JSON.
        within = {} if found.value.get(name) == [] else found.value.get(name)
        if isinstance(within, dict):
            found.value[name] = _named(within, spellings, (name,), found.sent(name), found)
    if found.value.get("mappings") == []:
        found.value["mappings"] = {}
    return found


def _named(
    body: Mapping[str, Any], spellings: Mapping[str, str], at: Step, sent_at: Step, found: Spelled
) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for spelled, value in body.items():
        name = spellings.get(spelled.lower() if at else spelled.lower().removeprefix("$"))
        if name is None:
            found.errors.append(_error("extra_forbidden", (*sent_at, spelled), _unknown(spellings.values())))
        elif value is None or value == "":
            found.steps.setdefault((*at, name), (*sent_at, spelled))
        elif name in named and not _says_the_same(named[name], value):
            other = found.steps[(*at, name)][-1]
            found.errors.append(_error("twice", (*sent_at, spelled), f"Found {other!r} too, which says otherwise."))
        else:
            named.setdefault(name, value)
            found.steps[(*at, name)] = (*sent_at, spelled)
    return named


def _unknown(known: Iterable[str]) -> str:
    return f"There is no such field. Known are: {', '.join(dict.fromkeys(known))}."


def _says_the_same(one: Any, other: Any) -> bool:
    """`"22"` and `22` do: the sample writes numbers as texts. Two texts are the same to the last blank."""
    if isinstance(one, str) != isinstance(other, str):
        return str(one).strip() == str(other).strip()
    return bool(one == other)


def _error(kind: str, step: Step, message: str) -> dict[str, Any]:
    return {"type": kind, "loc": step, "msg": message}
