"""What exported files are called."""

import pytest
from pydantic import ValidationError

from shared.domain.export_names import MAX_SEGMENT_BYTES, ExportName, in_file_name
from shared.domain.names import checked_path
from shared.domain.packing import DoneFile, Packing, Split


@pytest.mark.parametrize(
    ("name", "kind", "is_sealed", "whole", "second", "announced", "inner"),
    [
        ("a.csv", "none", False, "a.csv", "a_002.csv", "a.csv", "a.csv"),
        ("a.csv", "gzip", False, "a.csv.gz", "a_002.csv.gz", "a.csv.gz", "a.csv"),
        ("a.csv", "gzip", True, "a.csv.gz.pgp", "a_002.csv.gz.pgp", "a.csv.gz.pgp", "a.csv"),
        ("a.csv", "none", True, "a.csv.pgp", "a_002.csv.pgp", "a.csv.pgp", "a.csv"),
        ("a.csv.gz.gpg", "gzip", True, "a.csv.gz.gpg", "a_002.csv.gz.gpg", "a.csv.gz.gpg", "a.csv"),
        ("a.csv.gz", "gzip", False, "a.csv.gz", "a_002.csv.gz", "a.csv.gz", "a.csv"),
        ("a.zip", "zip", False, "a.zip", "a_002.zip", "a.zip", "a.csv"),
        ("a.csv", "zip", False, "a.csv.zip", "a_002.csv.zip", "a.csv.zip", "a.csv"),
        ("a.b.tsv", "zstd", False, "a.b.tsv.zst", "a.b_002.tsv.zst", "a.b.tsv.zst", "a.b.tsv"),
        ("a", "none", False, "a", "a_002", "a", "a"),
        (".csv", "none", False, ".csv", ".csv_002", ".csv", ".csv"),
        ("a_{number}_b.csv", "gzip", False, "a_{number}_b.csv.gz", "a_002_b.csv.gz", "a_b.csv.gz", "a_{number}_b.csv"),
        ("a.{number}", "none", False, "a.{number}", "a.002", "a", "a.{number}"),
        ("{number}.csv", "none", False, "{number}.csv", "002.csv", "files.csv", "{number}.csv"),
    ],
)
def test_names_say_what_was_done_once(
    name: str, kind: str, is_sealed: bool, whole: str, second: str, announced: str, inner: str
) -> None:
    packing = Packing.model_validate({"compression": kind})
    found = ExportName.of(name, packing, is_sealed=is_sealed)
    assert (found.whole, found.piece(2).whole, found.announced, found.inner) == (whole, second, announced, inner)
    assert ExportName.of(found.whole, packing, is_sealed=is_sealed) == found, "a name that was given is the same again"


def test_further_files_and_pieces_lie_beside_the_main_one() -> None:
    name = ExportName.of("all.csv", Packing(compression="gzip"), is_sealed=False)
    assert name.beside("").whole == "all.csv.gz"
    assert name.beside("order").piece(12).whole == "all_order_012.csv.gz"
    behind = list(name.pieces_behind(997))
    assert behind == ["all_998.csv.gz", "all_999.csv.gz"]


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ("Big spenders", "Big spenders"),
        ("  Käufer &  Fans ", "Käufer & Fans"),
        ("../../etc/passwd", "______etc_passwd"),
        ('a\\b:c*d?"<e>|{number}', "a_b_c_d___e___number_"),
        ("a\tb\r\nc\0d\x7f", "a_b__c_d_"),
        ("\u202egpj.\ufeffcsv\u2028\ud800", "gpj_csv__"),
        ("v1.5.csv.gz", "v1_5_csv_gz"),
        (".hidden", "_hidden"),
        ("--rf", "rf"),
        ("e\u0301", "\u00e9"),
        ("\u200b", "_"),
        ("客" * 41, "客" * 37 + "-49561b59"),
    ],
)
def test_a_segments_name_is_made_safe_for_a_file_name(called: str, shown: str) -> None:
    found = in_file_name(called)
    assert found == shown
    assert len(found.encode()) <= MAX_SEGMENT_BYTES
    assert checked_path(f"{found}.csv") == f"{found}.csv"
    assert ExportName.of(f"{found}.csv", Packing(), is_sealed=False).whole == f"{found}.csv"


def test_long_names_that_differ_at_the_end_stay_different() -> None:
    assert in_file_name("x" * 150 + "1") != in_file_name("x" * 150 + "2")


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        (Split, {}),
        (Split, {"rows": 1, "bytes": 2_000}),
        (Split, {"rows": 0}),
        (Packing, {"compression": "gzip", "password_id": "12345678-1234-1234-1234-123456789abc"}),
        (DoneFile, {"suffix": ".sha256"}),
        (DoneFile, {"suffix": "done"}),
    ],
)
def test_settings_that_contradict_themselves_are_refused(
    model: type[Split | Packing | DoneFile], sent: dict[str, object]
) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(sent)
