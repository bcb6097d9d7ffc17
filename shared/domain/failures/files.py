"""The file is unfit: how it is written, what it holds, and whether it is still the file that was seen."""

from shared.domain.failures.base import Permanent


class FileFailure(Permanent):
    """The file cannot be imported as it is."""

    code = "file_failure"


class EmptyFile(FileFailure):
    """The file has no content."""

    code = "empty_file"
    what_to_do = "Have the sending system write the file again, with its header at least."


class UnknownFormat(FileFailure):
    """The file holds no table that can be read."""

    code = "unknown_format"
    what_to_do = "Give a delimited text, a workbook (XLSX) or JSON Lines; packed or encrypted, if need be."


class NoUsableRows(FileFailure):
    """The file has content after its header, but no row of it could be read."""

    code = "no_usable_rows"
    what_to_do = "Compare delimiter, quote character and encoding of the file with the goal's dialect."


class HeaderChanged(FileFailure):
    """The header of the file lacks fields that the goal maps."""

    code = "header_changed"
    what_to_do = "Mend the header of the file, or change the goal's mapping to the new names, then retry the run."


class ColumnsCollide(FileFailure):
    """Two columns of the file would go into one property."""

    code = "columns_collide"
    what_to_do = "Name one of them in the goal's mapping or in its ignore, then retry the run."


class TooManyNewProperties(FileFailure):
    """The file has more columns without a property than one run may make properties for."""

    code = "too_many_new_properties"
    what_to_do = (
        "Check that the file is what it should be. Then raise the goal's map_all.max_new, define the properties, or "
        "name the columns in the goal's ignore, and retry the run."
    )


class AmbiguousDates(FileFailure):
    """The dates of a column can be read in more than one way."""

    code = "ambiguous_dates"
    what_to_do = (
        "Say how they are written, as dateFormat in the goal's dialect or in the column's mapping, then retry the run."
    )


class UnreadableDates(FileFailure):
    """No known date pattern reads the values of a column."""

    code = "unreadable_dates"
    what_to_do = (
        "Give the pattern as dateFormat in the goal's dialect or in the column's mapping, or have the sending system "
        "write all dates of a column alike, then retry the run."
    )


class UndecodableFile(FileFailure):
    """The file cannot be read in the goal's encoding."""

    code = "undecodable_file"
    what_to_do = "Set the goal's dialect.encoding to what the sending system writes, then retry the run."


class AmbiguousEncoding(FileFailure):
    """Several encodings read the file, each differently."""

    code = "ambiguous_encoding"
    what_to_do = "Set the goal's dialect.encoding to what the sending system writes, then retry the run."


class EncodingChanged(FileFailure):
    """The file is written in another encoding than the goal expects."""

    code = "encoding_changed"
    what_to_do = (
        "Set the goal's dialect.encoding to what the sending system writes, or to auto, and expected.encoding with it, "
        "then retry the run."
    )


class DelimiterChanged(FileFailure):
    """The fields of the file are delimited by another sign than the goal expects."""

    code = "delimiter_changed"
    what_to_do = (
        "Have the sending system write the delimiter that was expected, or set the goal's dialect.delimiter to the one "
        "that was found, then retry the run."
    )


class DamagedWorkbook(FileFailure):
    """The workbook is damaged, or is not written as workbooks are."""

    code = "damaged_workbook"
    what_to_do = "Open it in a spreadsheet program, save it again as .xlsx without a password, and upload that."


class SheetMissing(FileFailure):
    """The workbook has no sheet of the name or number that the goal reads."""

    code = "sheet_missing"
    what_to_do = "Rename the sheet, or set the goal's dialect.sheetName or sheetNumber."


class UploadBrokenOff(FileFailure):
    """The upload was broken off before its end."""

    code = "upload_broken_off"
    what_to_do = "Upload the file again."


class FileTypeChanged(FileFailure):
    """The file is of another type than the goal expects."""

    code = "file_type_changed"
    what_to_do = "Have the sending system write the type that is named, or change the goal, then retry the run."


class RecordTooLong(FileFailure):
    """A record of the file is longer than a record may be."""

    code = "record_too_long"
    what_to_do = "Look for a quotation mark that is never closed, or a wrong line end, near the line that is named."


class TooManyColumns(FileFailure):
    """The header of the file has more columns than a file may have."""

    code = "too_many_columns"
    what_to_do = "Send fewer columns, or check delimiter and line ends."


class TooManyChoices(FileFailure):
    """The file would give a property more choices than one can have."""

    code = "too_many_choices"
    what_to_do = "Map the column to a text, or let unknown choices be rejected."


class FileChanged(FileFailure):
    """The file changed while it was read, or is no longer the one that was seen."""

    code = "file_changed"
    what_to_do = "Nothing: the new version is imported as an arrival of its own."


class ChecksumMismatch(FileFailure):
    """The file's bytes are not those that its checksum or its manifest says."""

    code = "checksum_mismatch"
    what_to_do = "Send the file and its checksum again; one of them is damaged, or of another version."


class FileTooLarge(FileFailure):
    """The file is larger than what is taken."""

    code = "file_too_large"
    what_to_do = "Send a part of it as a sample, or put it into a drop folder."


class TooHardToRead(FileFailure):
    """Looking at the file took more time, memory or disk than is given for that."""

    code = "too_hard_to_read"
    what_to_do = "Send a smaller part of the file; an import has wider limits."


class FileGone(FileFailure):
    """The file is no longer in the drop folder."""

    code = "file_gone"
    what_to_do = "Upload the file again if it was removed by mistake."


class NoSuchFile(FileFailure):
    """The server has no file of the name that was asked for."""

    code = "no_such_file"
    what_to_do = "Correct the name: relative to the user's home directory, or absolute."
