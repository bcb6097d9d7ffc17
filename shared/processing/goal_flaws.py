"""What can be wrong with a goal, and what it is judged against: the words that all checks of goals share. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from shared.domain.dates import date_pattern
from shared.domain.event import EventType, MessageNamed
from shared.domain.goal import Goal
from shared.domain.lists import ListReference
from shared.domain.openpgp_key import OpenPgpKey
from shared.domain.property import Property

FLAW_CODES: dict[str, str] = {
    "unknown_domain_group": "The account has no domain group of that name.",
    "unknown_property": "The account has no property of that name.",
    "not_an_identifier": "The property is no identifier.",
    "unknown_goal": "The account has no import goal of that identifier.",
    "unknown_message": "The account has no message of that kind with that id or number.",
    "not_of_rows": "The rows of the file are about something that has no such thing.",
    "message_not_allowed": "Events of the type refer to no message.",
    "unknown_list": "The account has no list of that id or number.",
    "sum_needs_delta": "A full file tells what is, so nothing of it can be added up.",
    "absent_needs_full_file": "Only a full file can tell who is absent.",
    "absent_needs_identifiers": "Who is absent is told by what names people, and nothing does.",
    "absent_needs_list": "Who is absent is told of one list, or when unsubscribing of all contacts.",
    "unknown_zone": "The time zone is none of the IANA database.",
    "other_type": "The property is of another type than the mapping says.",
    "invalid_constant": "The constant is no value of the property's type.",
    "no_identifiers": "The mode looks profiles up, and nothing names them.",
    "identifiers_unused": "The mode looks no profile up, so that nothing may name one.",
    "system_id_alone": "The system_id names a profile by itself; no other identifier stands beside it.",
    "system_id_only_updates": "A system_id is given by Tidegate, so that no file can create a profile by one.",
    "values_stay_lost": "A rejected value can be handed in later only for a profile that something names.",
    "rule_not_allowed": "The merge rule makes no sense on a property of that type.",
    "invalid_date_pattern": "The date pattern cannot be used.",
    "invalid_processor": "The processor cannot work as it is set.",
    "not_of_profiles": "That can be asked of the rows of a file, and not of what is stored.",
    "not_of_events": "That can be asked of profiles, and not of an event.",
    "invalid_comparison": "The comparison does not fit the property's type.",
    "unknown_segment": "The account has no segment of that id.",
    "unknown_group_type": "The account has no type of groups of that name.",
    "unknown_event_type": "The account has no type of events of that name.",
    "segment_cycle": "A segment would ask for itself.",
    "segment_too_large": "A segment would ask too much, with the segments in it.",
    "one_notation": "The format has one notation for all columns.",
    "encoding_open": "An encoding that is found out by reading cannot be written.",
    "no_choices": "The property's type has no choices.",
    "unknown_choice": "The property has no such choice.",
    "consent_time_needed": "Whether a consent is newer cannot be told without its time.",
    "choices_are_fixed": "The choices of a property that is built in cannot be added to.",
    "readiness_not_available": "The place cannot tell readiness in that way.",
    "manual_import": "An import that a client asks for has no source, and its goal keeps its name and stays active.",
    "unknown_import": "The account has no manual import of that identifier.",
    "led_by_import": "A manual import leads the goal, and says something else.",
    "conflicting_afterwards": "Another goal does something else with the same files afterwards.",
    "conflicting_when": "Another goal takes the same files at other times.",
    "companions_overlap": "What says of one goal's files that they are complete would be a file of another goal.",
    "own_names_only": "All that the pattern takes has a name that is given to files which are put away.",
    "patterns_not_compared": "Whether goals get into each other's way takes too long to find out.",
    "encrypt_to_missing": "Files must be encrypted, or are to be signed, and there is no key to encrypt them to.",
    "unknown_openpgp_key": "The account has no OpenPGP key of that fingerprint.",
    "openpgp_key_expired": "The OpenPGP key has expired or was revoked.",
    "openpgp_key_unfit": "The OpenPGP key cannot do what is wanted of it.",
    "unknown_password": "The account has no password of that identifier.",
    "unknown_event_file": "The export has no file of events of that name.",
    "too_many_event_files": "The export would have more files of events than one may.",
    "number_needs_split": "Only files that are split have a number.",
    "segment_not_said": "Only files of a goal that is about a segment can have its name.",
    "name_too_long": "The name is longer than servers hold, with what may be put behind it.",
    "same_file_name": "Another active export of the connection writes files of the same name to the directory.",
    "export_watched": "An active import of the connection would take the files of an active export for its own.",
    "returns_watched": "Rejects would be put into a directory that a goal of the connection watches.",
}
"""All codes of flaws; closed and documented."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong: an RFC 6901 pointer into the goal, a stable code, and a sentence."""

    pointer: str
    code: str
    detail: str


class KnownKey(NamedTuple):
    """A key or password of the account."""

    kind: str
    facts: OpenPgpKey | None
    """None of a password."""
    is_over: bool
    """Whether it has expired by now, or was revoked."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a goal must fit to."""

    properties: Mapping[str, Property]
    domain_groups: Collection[str]
    is_hosted: bool
    siblings: Sequence[Goal] = ()
    """The other active goals of the same connection."""
    event_types: Mapping[str, EventType] = field(default_factory=dict)
    """Those that there are of what the goal names, at least."""
    group_types: Collection[str] = ()
    """Types of groups by name: those that there are of what the goal names, at least."""
    group_properties: Mapping[str, Property] = field(default_factory=dict)
    """Properties of groups, by name, where the goal shows any."""
    lists: Collection[ListReference] = ()
    """Ids and numbers of lists: those that there are of what the goal names, at least."""
    segments: Collection[UUID] = ()
    """Ids of segments: those that there are of what the goal names, at least."""
    segment_names: Mapping[UUID, str] = field(default_factory=dict)
    """What segments are called, where the files of the goal or of its siblings are named after any."""
    messages: Collection[MessageNamed] = ()
    """Messages of the kind that the goal is about: those that there are of what it names, as it names them."""
    goals: Mapping[UUID, str] = field(default_factory=dict)
    """The kinds of goals: of those that the goal names and that there are, at least."""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """Fields that nobody may change of a goal whose imports clients ask for."""
    openpgp_keys: Mapping[str, KnownKey] = field(default_factory=dict)
    """Keys by fingerprint and passwords by id: those that there are of what files are locked with."""


def date_flaws(pointer: str, pattern: str) -> Iterator[Flaw]:
    try:
        date_pattern(pattern)
    except ValueError as error:
        yield Flaw(pointer, "invalid_date_pattern", f"{str(error)[:1].upper()}{str(error)[1:]}.")
