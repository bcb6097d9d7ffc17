"""Whom rejected rows name: their profiles, for a merge that asks.

A row that is not imported may still say something of a person: that they opt out, or that a full file has them. So
where a goal asks (`ImportGoal.wants_named_rejects`), every rejected row that has at least one identifier that can be
read stands in a table beside the staging table, with its keys as good rows have them, also of identifiers that rows
set and are not found by: rows that reading, processors or typing rejected from the start, rows that the merge rejects
from the moment it does. In how many none of the goal's own identifiers can be read is `Staged.nameless_rejects`.
Nothing here decides what follows from it.
"""

from shared.storage.merge_work import Work
from shared.storage.statements import statement


def profiles_named(work: Work) -> str:
    """A select of `record_number`, `id` and `opt_out`, ready to be a part of a merge's statement.

    A row for each rejected row of the file and each profile that it names: none where the profile does not exist, two
    and more where its identifiers are different profiles'. What it finds depends on when it is asked: rejects of the
    merge are there once the merge has rejected them (before it writes), and profiles that the file makes once they
    are written. `opt_out` is true where the row says that its person opts out, null where it says nothing.

    Only where `work.staged.names_rejects`; work.text(..., slot=profiles_named(work)) puts it into a frame.
    """
    text = statement("named_rejects.found")
    return " UNION ".join(text.replace("{same}", work.names_profile(key, "n")) for key in work.layout.naming)
