"""What became of the rows of each file of an archive, for the run's receipt: told by the same counts as the whole."""

from collections import Counter
from collections.abc import Mapping

from services.importer.ingest import Tally
from shared.domain.receipt import Counts, FileFacts, MemberFacts
from shared.storage.merge import Merged


def told_members(file: FileFacts | None, tally: Tally, merged: Merged, counts: Counts) -> tuple[MemberFacts, ...]:
    """The file's members with what became of them; `counts` are those of the whole run."""
    members = file.members if file is not None else ()
    if len(members) == 1:
        # Its rows are the run's.
        return (_told(members[0], counts.model_dump(include=_NAMES)),)
    return tuple(_told(each, _became(place, tally, merged)) for place, each in enumerate(members))


_NAMES = {"created", "updated", "unchanged", "skipped", "rejected", "skipped_by_reason", "rejects_by_code"}


def _became(place: int, tally: Tally, merged: Merged) -> Mapping[str, object]:
    rows = merged.members[place]
    skipped = tally.skipped_by_member[place] + Counter(rows.skipped_by_reason)
    rejected = tally.rejects_by_member[place] + Counter(rows.late_rejects_by_code)
    return {
        "created": rows.created,
        "updated": rows.updated,
        "unchanged": rows.unchanged,
        "skipped": skipped.total(),
        "rejected": rejected.total(),
        "skipped_by_reason": dict(sorted(skipped.items())),
        "rejects_by_code": dict(sorted(rejected.items())),
    }


def _told(member: MemberFacts, became: Mapping[str, object]) -> MemberFacts:
    # Made anew and not copied: only then are its sums looked at.
    return MemberFacts.model_validate({**member.model_dump(), **became})
