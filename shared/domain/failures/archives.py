"""The file is packed, and what it is packed in is damaged, too large or not to be trusted."""

from shared.domain.failures.files import FileFailure


class DamagedArchive(FileFailure):
    """The compressed file is damaged or cut off."""

    code = "damaged_archive"
    what_to_do = "Have the sending system upload the file again; keep temporary names while it uploads."


class UnpackedTooLarge(FileFailure):
    """The file grows beyond the allowed size when it is unpacked."""

    code = "unpacked_too_large"
    what_to_do = (
        "Split the file; or raise the goal's unpack.max_unpacked_bytes where it is set, "
        "or have the operator raise TIDEGATE_MAX_UNPACKED_BYTES."
    )


class UnpackRatioTooHigh(FileFailure):
    """The file grows more than any honest file does when it is unpacked."""

    code = "unpack_ratio_too_high"
    what_to_do = "Have the sending system upload the file without compression, if its content is meant."


class TooManyMembers(FileFailure):
    """The archive has more entries than it may have."""

    code = "too_many_members"
    what_to_do = "Pack fewer files into one archive, or raise the goal's unpack.max_members up to the operator's limit."


class PackedTooDeep(FileFailure):
    """Archives are packed within each other more often than they may be."""

    code = "packed_too_deep"
    what_to_do = "Send the files packed once."


class UnpackingNeedsMemory(FileFailure):
    """The file was packed so that unpacking it takes more memory than it may."""

    code = "unpacking_needs_memory"
    what_to_do = "Pack with a smaller dictionary or window (xz -9, zstd without --long, 7z -md=256m at most)."


class PackingNotSupported(FileFailure):
    """The archive uses a method that Tidegate does not unpack."""

    code = "packing_not_supported"
    what_to_do = "Pack the files with a usual method: deflate in zip, LZMA or LZMA2 in 7z, a single volume."


class NoMemberMatches(FileFailure):
    """No file of the archive fits the goal's unpack.members."""

    code = "no_member_matches"
    what_to_do = "Correct unpack.members, or have the sending system put the expected file into the archive."


class ArchivePasswordMissing(FileFailure):
    """The archive is protected by a password, and the goal has none."""

    code = "archive_password_missing"
    what_to_do = "Give the password of the archive, then retry the run."


class ArchivePasswordWrong(FileFailure):
    """None of the passwords opens the archive."""

    code = "archive_password_wrong"
    what_to_do = "Correct the password, or ask the sender for the one that the archive was packed with."


class UnsafeArchive(FileFailure):
    """The archive holds what no archive of contact files holds."""

    code = "unsafe_archive"
    what_to_do = "Have the sending system pack plain files under plain relative names."


class MemberNameAbsolute(UnsafeArchive):
    """An entry of the archive has an absolute name."""

    code = "member_name_absolute"


class MemberNameOutward(UnsafeArchive):
    """An entry of the archive has a name that leads out of the archive."""

    code = "member_name_outward"


class MemberNameBackslash(UnsafeArchive):
    """An entry of the archive has a backslash in its name."""

    code = "member_name_backslash"


class MemberNameUnreadable(UnsafeArchive):
    """An entry of the archive has a name that is empty, or with control characters or undecodable bytes."""

    code = "member_name_unreadable"


class MemberNameTooLong(UnsafeArchive):
    """An entry of the archive has a name longer than a name may be."""

    code = "member_name_too_long"


class MemberNameTwice(UnsafeArchive):
    """Two entries of the archive have the same name."""

    code = "member_name_twice"


class MemberIsLink(UnsafeArchive):
    """An entry of the archive is a link."""

    code = "member_is_link"


class MemberIsDevice(UnsafeArchive):
    """An entry of the archive is a device, a pipe or a socket."""

    code = "member_is_device"


class MemberIsSparse(UnsafeArchive):
    """An entry of the archive is a sparse file, whose holes could be of any size."""

    code = "member_is_sparse"


class InconsistentArchive(FileFailure):
    """The archive contradicts itself, so that two programs could find different files in it."""

    code = "inconsistent_archive"
    what_to_do = "Have the sending system pack the files anew with a current program."


class ArchiveHeadersDiffer(InconsistentArchive):
    """The archive's directory and the headers of its files contradict each other."""

    code = "archive_headers_differ"


class ArchiveMembersOverlap(InconsistentArchive):
    """Files of the archive share the same bytes, or reach beyond it."""

    code = "archive_members_overlap"


class ArchiveHasExtraBytes(InconsistentArchive):
    """The archive holds bytes that belong to none of its files."""

    code = "archive_extra_bytes"


class ArchiveInSeveralParts(InconsistentArchive):
    """The archive is one part of several."""

    code = "archive_in_several_parts"
    what_to_do = "Have the sending system write one archive instead of several volumes."


class Zip64Inconsistent(InconsistentArchive):
    """The zip's records for large files are missing or contradict the others."""

    code = "zip64_inconsistent"
