"""The goal that a one-shot import asks for, by what its account has: which property is meant, and what names a row."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.api.one_shot.asked import DELIMITERS, OneShotAsked
from services.api.one_shot.spelling import Spelled
from services.api.pointers import escaped
from services.api.problems import FieldError, Refused
from shared.domain.built_in import SYSTEM_ID
from shared.domain.consent import Declaration
from shared.domain.dates import AUTO as ANY_DATES
from shared.domain.dialect import AUTO as ANY_ENCODING
from shared.domain.dialect import Dialect
from shared.domain.failures import AddressRefused, InvalidRequest
from shared.domain.fields import IdentifierField, MappedField
from shared.domain.goal import MANUAL_SOURCE, ImportGoal
from shared.domain.goal_base import Feedback
from shared.domain.lists import Lists
from shared.domain.merge import Mode
from shared.domain.opt_in import OptIn
from shared.domain.property import Property, PropertyType
from shared.domain.run import Reason
from shared.domain.trimmed import folded
from shared.transfer.addresses import refusal

_MAX_NAME = 200
_MAX_TOLD = 50
_MAX_LISTS = 20
_PARTED = re.compile(r"(?= as )")
"""Where a goal's name may fall into a file and a user."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the account has of what can be named, and what the operator says."""

    properties: Sequence[Property]
    lists: Iterable[int]
    """Numbers of those of the lists that there are."""
    unique_property: str
    """What `unique_id` is: the name of a property, or "" where the operator names none."""
    email: str | None = None
    """Whom the key that asks belongs to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The import that was asked for."""

    goal: ImportGoal
    email_position: int
    warnings: tuple[Reason, ...]
    pointers: tuple[str, ...]
    """Where the request says what stands in the goal's identifier, and in each entry of its mapping."""


def wanted(asked: OneShotAsked, spelled: Spelled, known: Known) -> Wanted:
    """The goal of a request. Raises Refused with everything that is wrong."""
    return _Judge(asked, spelled, known).wanted()


@dataclass(slots=True)
class _Judge:
    asked: OneShotAsked
    spelled: Spelled
    known: Known
    errors: list[FieldError] = field(default_factory=list)

    def wanted(self) -> Wanted:
        why = refusal(self.asked.credentials.hostname)
        if why is not None:
            self._refuse(AddressRefused.code, why, "credentials", "hostname")
        mapped = self._mapped()
        email = None if self.errors else self._email(mapped)
        key = self._key(mapped, email)
        lists = self._lists()
        if self.errors or email is None or key is None:
            raise Refused(InvalidRequest(), self.errors)
        rest = {name: place for name, place in mapped.items() if place.property.name != key.property}
        goal = ImportGoal(
            name=_name(self.asked),
            source=MANUAL_SOURCE,
            feedback=self._feedback(),
            dialect=Dialect(
                encoding=ANY_ENCODING, delimiter=DELIMITERS[self.asked.settings.delimiter], date_format=ANY_DATES
            ),
            identifiers=(key,),
            mapping=tuple(
                MappedField(position=place.position, property=place.property.name) for place in rest.values()
            ),
            mode=self._mode(),
            lists=Lists(add_to=lists),
            # The page says nothing of consent, and nobody is subscribed by a guess.
            opt_in=OptIn(declaration=Declaration.UNDEFINED),
            # Who asks again wants what the file says now; whoever repeats a request has Idempotency-Key for it.
            duplicate_content="import",
            hold_order_for_seconds=0,
        )
        pointers = (self._pointer_of_key(mapped, key), *(self._pointer("mappings", name) for name in rest))
        return Wanted(goal, email.position, tuple(self._warnings()), pointers)

    def _pointer(self, *step: str) -> str:
        return "".join(f"/{escaped(each)}" for each in self.spelled.sent(*step))

    def _refuse(self, code: str, detail: str, *step: str) -> None:
        self.errors.append(FieldError(pointer=self._pointer(*step), code=code, detail=detail))

    def _mapped(self) -> dict[str, "_Mapped"]:
        """The property of each mapping, by what the request first calls it: what is said twice must be the same."""
        found: dict[str, _Mapped] = {}
        taken: dict[str, str] = {}
        for called, position in self.asked.mappings.items():
            meant = _meant(called, self.known.properties)
            if len(meant) != 1:
                self._refuse("unknown_property", _not_one(meant, self.known.properties), "mappings", called)
                continue
            other = taken.setdefault(meant[0].name, called)
            if other == called:
                found[called] = _Mapped(meant[0], position)
            elif found[other].position != position:
                detail = f"It is the property {meant[0].name!r}, which {other!r} maps to another column."
                self._refuse("invalid_value", detail, "mappings", called)
        return found

    def _email(self, mapped: dict[str, "_Mapped"]) -> "_Mapped | None":
        """The column of e-mail addresses: `email` itself, or the only one; of several the only identifier."""
        candidates = [each for each in mapped.values() if each.property.type is PropertyType.EMAIL]
        named = [each for each in candidates if each.property.name == "email"]
        telling = [each for each in candidates if each.property.is_identifier]
        found = next((each[0] for each in (named, candidates, telling) if len(each) == 1), None)
        if found is None:
            count = "several properties" if candidates else "no property"
            detail = f"Found {count} of type email, expected `email`: it is what the first row is judged by."
            self._refuse("missing_field", detail, "mappings", *(() if candidates else ("email",)))
        return found

    def _key(self, mapped: dict[str, "_Mapped"], email: "_Mapped | None") -> IdentifierField | None:
        """What names the profile of a row."""
        using, position = self.asked.settings.update_using, self.asked.settings.custom_key_position
        if using == "none":
            return None if email is None else self._key_of(email, next(n for n, e in mapped.items() if e is email))
        if position is None:
            detail = f"Expected the column of the {using}, from 0: update_using says so."
            self._refuse("missing_field", detail, "settings", "custom_key_position")
            return None
        if using == "system_id":
            if self.asked.settings.update_duplicates == "no":
                detail = "Found 'no', expected 'yes': a file cannot create a profile by its system_id."
                self._refuse("system_id_only_updates", detail, "settings", "update_duplicates")
            return IdentifierField(position=position, property=SYSTEM_ID.name)
        return self._unique(mapped, position)

    def _key_of(self, email: "_Mapped", called: str) -> IdentifierField | None:
        if not email.property.is_identifier:
            detail = "Rows are found by their e-mail address, and this property is no identifier; use update_using."
            self._refuse("not_an_identifier", detail, "mappings", called)
            return None
        return IdentifierField(position=email.position, property=email.property.name)

    def _unique(self, mapped: dict[str, "_Mapped"], position: int) -> IdentifierField | None:
        name = self.known.unique_property
        found = next((each for each in self.known.properties if each.name == name), None)
        if found is None or not found.is_identifier:
            detail = (
                f"Expected an identifier {name!r}, which is what unique_id means here; the account has none."
                if name
                else "The operator has named no property for unique_id (TIDEGATE_ONE_SHOT_UNIQUE_PROPERTY)."
            )
            self._refuse("not_an_identifier" if name else "invalid_value", detail, "settings", "update_using")
            return None
        for called, each in mapped.items():
            if each.property.name == name and each.position != position:
                detail = f"It is the unique_id, whose custom_key_position is {position}."
                self._refuse("invalid_value", detail, "mappings", called)
        return IdentifierField(position=position, property=name)

    def _lists(self) -> tuple[int, ...]:
        known = set(self.known.lists)
        found = tuple(each for each in dict.fromkeys(self.asked.list_ids) if each in known)
        if len(found) > _MAX_LISTS:
            self._refuse("out_of_bounds", f"Found {len(found)} lists, expected at most {_MAX_LISTS}.", "listIds")
        return found

    def _mode(self) -> Mode:
        if self.asked.settings.update_using == "system_id":
            return Mode.UPDATE_ONLY
        return Mode.UPSERT if self.asked.settings.update_duplicates == "yes" else Mode.CREATE_ONLY

    def _feedback(self) -> Feedback:
        """To whom it says, else to who asks now: not to who asked for this file first, whom the goal was made by."""
        address = self.asked.settings.progress_email_address or self.known.email
        return Feedback(when="never") if address is None else Feedback(emails=(address,))

    def _pointer_of_key(self, mapped: dict[str, "_Mapped"], key: IdentifierField) -> str:
        if self.asked.settings.update_using != "none":
            return self._pointer("settings", "custom_key_position")
        return self._pointer("mappings", next(n for n, e in mapped.items() if e.property.name == key.property))

    def _warnings(self) -> Iterable[Reason]:
        known = set(self.known.lists)
        unknown = [str(each) for each in dict.fromkeys(self.asked.list_ids) if each not in known]
        if unknown:
            told = ", ".join(unknown[:_MAX_TOLD]) + ("" if len(unknown) <= _MAX_TOLD else ", ...")
            yield Reason(
                code="unknown_list",
                detail=f"Found no list {told}; nobody is put on it.",
                what_to_do="Name lists by their numbers, which GET /v1/lists tells.",
            )
        settings = self.asked.settings
        if settings.update_using == "none" and settings.custom_key_position is not None:
            yield Reason(
                code="custom_key_unused",
                detail="The custom_key_position was not used: without update_using rows are found by e-mail address.",
                what_to_do="Say update_using as well, if the column names the profiles.",
            )


@dataclass(frozen=True, slots=True)
class _Mapped:
    property: Property
    position: int


def _meant(called: str, known: Sequence[Property]) -> list[Property]:
    """The property of that name; else those of that label or alias."""
    wanted_name = folded(called).casefold()
    by_name = [each for each in known if each.name == wanted_name]
    return by_name or [each for each in known if wanted_name in (folded(n).casefold() for n in each.other_names)]


def _not_one(meant: Sequence[Property], known: Sequence[Property]) -> str:
    names = [each.name for each in meant or known]
    told = ", ".join(names[:_MAX_TOLD]) + ("" if len(names) <= _MAX_TOLD else ", ...")
    return f"Several properties are called so: {told}." if meant else f"There is no such property. Known are: {told}."


def _name(asked: OneShotAsked) -> str:
    """One goal a file and user: the file's name in front, as receipts show it."""
    file, username = asked.credentials.file, asked.credentials.username
    name = f"{file} as {username}"
    is_plain = len(_PARTED.findall(name)) == 1
    if is_plain and len(name) <= _MAX_NAME:
        return name
    # "a as b" of "c" and "a" of "b as c" read alike, and are two.
    digest = hashlib.sha256((name if is_plain else json.dumps([file, username])).encode()).hexdigest()[:16]
    return f"{name} ({digest})" if len(name) <= _MAX_NAME - 19 else f"…{file[-100:]} ({digest})"
