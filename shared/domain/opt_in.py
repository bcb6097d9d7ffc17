"""What an import says about consent, and about the language to write to people in."""

from typing import Annotated

from pydantic import Field, StrictBool, StringConstraints, field_validator, model_validator

from shared.domain.built_in import CONSENT_AT, LANGUAGE, OPT_IN
from shared.domain.consent import Declaration, Resubscribe
from shared.domain.fields import MappedField, OnBadValue, TimeChoice, Words
from shared.domain.language_tag import language_tag
from shared.domain.merge import MergeRule
from shared.domain.model import Model


class ConsentTime(TimeChoice):
    """The column that says when consent was given or withdrawn."""


class OptIn(Words):
    """What importing says about consent; it must be stated.

    `everyone`: all whom the file names have opted in. `from_file`: a column says yes or no; where it is empty, nothing
    changes. `undefined`: nothing is said. `unsubscribe_everyone`: all whom the file names have opted out.

    An opt-out always applies, whatever the mode: `create_only` applies it to profiles that exist, `update_only` passes
    over people who are not known, `upsert` makes them, unsubscribed. An opt-in applies where nothing suppresses the
    profile. Where something does, it is withheld and counted, unless `resubscribe` lets it lift an unsubscription or a
    bounce; a complaint and an erasure want a person.

    The rows of one profile have one voice: with `never` one no is enough; with `if_newer` the latest time counts, and
    a no wins a tie, wins over a yes without a time, and without a time of its own wins over any yes; with `always` the
    last good row counts. Rows that processors leave out (a filter, a deduplication) say nothing. Of rejected rows a no
    counts over all good ones, wherever it stands, if it can be read: also beside a bad cell of a workbook, a bad value
    of a JSON object, or bytes that are no text in another field. A row that cannot be parted into its columns says
    nothing: delimited text with too few or too many fields, or a quote out of place; a line that is no JSON object.
    """

    declaration: Declaration
    field: str | None = Field(
        default=None, min_length=1, max_length=1_000, description="The column of `from_file`, by its name"
    )
    position: int | None = Field(
        default=None, ge=0, lt=10_000, description="The column of `from_file`, by its 0-based place"
    )
    on_bad_value: OnBadValue | None = Field(
        default=None,
        description="What a value does that is no word or no time: null is as the goal says. A rejected value says "
        "nothing, and a rejected time leaves the word without one",
    )
    resubscribe: Resubscribe = Field(
        default=Resubscribe.NEVER,
        description="Whether an opt-in lifts an unsubscription or a bounce: `if_newer` only one with a time in the "
        "file that is later, and so needs `time`",
    )
    time: ConsentTime | None = Field(
        default=None,
        description="When consent was given or withdrawn. Without it, or where it is empty: when the file was last "
        "modified, or imported if that is earlier",
    )
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = Field(
        default=None, description="Where it comes from, kept with the profile; the goal's name where it is not said"
    )

    @model_validator(mode="after")
    def _column_where_one_is(self) -> "OptIn":
        named = sum(value is not None for value in (self.field, self.position))
        if self.declaration is Declaration.FROM_FILE and named != 1:
            raise ValueError("expected exactly one of field, position with from_file")
        if self.declaration is not Declaration.FROM_FILE and (named or self.true_values or self.false_values):
            raise ValueError("found a column or its words, expected them with from_file alone")
        if self.declaration is Declaration.UNDEFINED and self.time is not None:
            raise ValueError("found a time, expected none where nothing is said about consent")
        if not self.says_yes and self.resubscribe is not Resubscribe.NEVER:
            raise ValueError("found resubscribe, expected it where a file can opt people in")
        return self

    @property
    def columns(self) -> tuple[MappedField, ...]:
        """The columns of the file that it reads, and what it says of every row, as if they were mapped."""
        found = []
        if self.constant is not None:
            word = "true" if self.constant else "false"
            found.append(MappedField(constant=word, property=OPT_IN.name, rule=MergeRule.SET))
        if self.declaration is Declaration.FROM_FILE:
            found.append(
                MappedField(
                    field=self.field,
                    position=self.position,
                    property=OPT_IN.name,
                    rule=MergeRule.SET,
                    true_values=self.true_values,
                    false_values=self.false_values,
                    on_bad_value=self.on_bad_value,
                )
            )
        if self.time is not None:
            found.append(
                MappedField(
                    **self.time.model_dump(),
                    property=CONSENT_AT.name,
                    rule=MergeRule.SET,
                    on_bad_value=self.on_bad_value,
                )
            )
        return tuple(found)

    @property
    def constant(self) -> bool | None:
        """What every row says, where the file is not asked."""
        says = {Declaration.EVERYONE: True, Declaration.UNSUBSCRIBE_EVERYONE: False}
        return says.get(self.declaration)

    @property
    def says_yes(self) -> bool:
        """Whether a file can opt anybody in."""
        return self.declaration in (Declaration.EVERYONE, Declaration.FROM_FILE)

    @property
    def says_no(self) -> bool:
        """Whether a file can opt anybody out."""
        return self.declaration in (Declaration.FROM_FILE, Declaration.UNSUBSCRIBE_EVERYONE)


class ContactLanguage(Model):
    """The language to write to people in: one for all, or a column of the file.

    Languages are tags of BCP 47, such as `nl` or `pt-BR`. Where a field has none, nothing changes.
    """

    fixed: str | None = Field(default=None, max_length=64)
    field: str | None = Field(default=None, min_length=1, max_length=1_000)
    position: int | None = Field(default=None, ge=0, lt=10_000)
    only_on_create: StrictBool = Field(
        default=False, description="Whether profiles that exist keep theirs, even where they have none"
    )
    on_bad_value: OnBadValue | None = Field(
        default=None, description="What a value does that is no language tag: null is as the goal says"
    )

    @field_validator("fixed")
    @classmethod
    def _is_a_tag(cls, value: str | None) -> str | None:
        if value is None:
            return None
        tag = language_tag(value)
        if tag is None:
            raise ValueError("expected a language tag of BCP 47, such as nl or pt-BR")
        return tag

    @model_validator(mode="after")
    def _exactly_one(self) -> "ContactLanguage":
        if sum(value is not None for value in (self.fixed, self.field, self.position)) != 1:
            raise ValueError("expected exactly one of fixed, field, position")
        return self

    @property
    def columns(self) -> tuple[MappedField, ...]:
        """The column of the file that it reads, or the language of every row, as if it were mapped."""
        if self.fixed is not None:
            return (MappedField(constant=self.fixed, property=LANGUAGE.name, rule=MergeRule.SET),)
        return (
            MappedField(
                field=self.field,
                position=self.position,
                property=LANGUAGE.name,
                rule=MergeRule.SET,
                on_bad_value=self.on_bad_value,
            ),
        )
