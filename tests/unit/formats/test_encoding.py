"""`auto` finds the encoding that a file was written in, or says which ones are left; it is never wrong in silence."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest

from shared.domain.failures import AmbiguousEncoding, UndecodableFile
from shared.formats.encoding import FoundEncoding, detect, other_than
from shared.formats.source import ByteSource

NAMES = {
    "French": "Zoé François Hélène Noël Jérôme Anaïs Benoît Émilie Mélanie Céline Besançon Orléans Nîmes Thérèse",
    "German": "Jürgen Müller Größe Straße Köln Schäfer Weiß Bärbel Günther Düsseldorf Jäger Möller Preuß",
    "Spanish": "José Peña Muñoz García Ángel Núñez Martín López Sánchez Pérez María Ramón Málaga Cádiz León Begoña",
    "Swedish": "Åsa Göran Malmö Sjöberg Håkan Örebro Växjö Märta Lindström Söderberg Bergström Ängelholm Björn",
    "Polish": "Łukasz Małgorzata Gdańsk Wójcik Kraków Żaneta Święta Zdzisław Łódź Wrocław Poznań Częstochowa Michał",
    "Czech": "Jiří Dvořák Štěpán Žižkov Čeněk Růžena Lukáš Tomáš Kateřina Plzeň Černý Němec Procházka Veselý",
    "Turkish": "Gülşen Ağrı İstanbul Çağlar Şırnak Ömer Ayşe Gökhan Yılmaz Öztürk İzmir Eskişehir Kırıkkale Tuğba",
    "Russian": "Иванов Москва Екатерина Сергей Ольга Новосибирск Дмитрий Наталья Кузнецов Васильева",
    "Greek": "Γιώργος Αθήνα Παπαδόπουλος Μαρία Θεσσαλονίκη Δημήτρης Ελένη Νικόλαος Κωνσταντίνος",
    "Hebrew": "דוד ירושלים כהן חיפה משה אברהם שרה רחל תל אביב",
    "Arabic": "محمد القاهرة أحمد فاطمة الرياض عبدالله خديجة بغداد",
    "Thai": "สมชาย กรุงเทพ สมหญิง เชียงใหม่ ประเทศไทย สวัสดี",
    "Japanese": "田中 東京都 さくら ヤマダ 鈴木 大阪市 佐藤 花子 名古屋 北海道",
    "Chinese": "王小明 北京市 上海市 李娜 张伟 广州 深圳 刘洋 陈静",
    "Taiwanese": "王小明 臺北市 張偉 陳美玲 高雄市 林志豪 黃淑芬",
    "Korean": "김철수 서울특별시 박영희 부산광역시 이민호 최지우 정수연",
}
WRITTEN = [
    *((language, "utf-8") for language in NAMES),
    *((language, "utf-8-sig") for language in ("French", "Japanese")),
    *((language, encoding) for language in ("German", "Korean", "Russian") for encoding in ("utf-16", "utf-32")),
    *((language, f"utf-{kind}") for language in ("German", "Chinese") for kind in ("16-le", "16-be", "32-le", "32-be")),
    *((language, "cp1252") for language in ("French", "German", "Spanish", "Swedish")),
    *((language, "iso8859-15") for language in ("French", "German", "Spanish", "Swedish")),
    *((language, encoding) for language in ("French", "German", "Spanish") for encoding in ("mac_roman", "cp850")),
    *((language, encoding) for language in ("Polish", "Czech") for encoding in ("cp1250", "iso8859-2", "cp852")),
    *(("Turkish", encoding) for encoding in ("cp1254", "iso8859-9")),
    *(("Russian", encoding) for encoding in ("cp1251", "koi8-r", "cp866", "iso8859-5")),
    *(("Greek", encoding) for encoding in ("cp1253", "iso8859-7")),
    *(("Hebrew", "cp1255"), ("Arabic", "cp1256"), ("Thai", "cp874"), ("Korean", "cp949"), ("Korean", "iso2022_kr")),
    *(("Japanese", encoding) for encoding in ("cp932", "euc_jp", "iso2022_jp")),
    *(("Chinese", encoding) for encoding in ("gb18030", "gbk", "hz")),
    ("Taiwanese", "big5"),
]  # fmt: skip  # a table
ANSWERED = 0.75
"""The share of these files in which no question is left."""


def opener(data: bytes) -> Callable[[], AbstractContextManager[ByteSource]]:
    return lambda: nullcontext(io.BytesIO(data))


def found(data: bytes) -> FoundEncoding:
    return detect(opener(data))


def table(language: str) -> str:
    rows = [
        f"{number},user{number}@example.org,{name},{number}.5" for number, name in enumerate(NAMES[language].split())
    ]
    return "\n".join(["id,email,name,amount", *rows, ""])


def test_the_text_is_that_which_was_written_or_there_is_a_question() -> None:
    answered = 0
    for language, encoding in WRITTEN:
        text = table(language)
        data = text.encode(encoding)
        result = found(data)
        if result.rivals:
            with pytest.raises(AmbiguousEncoding, match=result.rivals[0]):
                result.settled()
            continue
        assert data.decode(result.settled()).removeprefix("\ufeff") == text, (language, encoding, result)
        for other in result.alike:
            assert data.decode(other) == text, (language, encoding, result)
        assert 0 < result.confidence <= 1
        answered += 1
    assert len(WRITTEN) >= 60
    assert answered >= ANSWERED * len(WRITTEN), f"{answered} of {len(WRITTEN)}"


def test_ascii_is_what_all_read_alike() -> None:
    assert (found(b"a,b\n1,2\n").encoding, found(b"a,b\n1,2\n").confidence) == ("utf-8", 1.0)
    assert found(b"").encoding == "utf-8"
    assert found(b"a~b{c\x1b\n").encoding == "utf-8"


def test_a_few_bad_bytes_do_not_make_utf_8_another_encoding() -> None:
    text = (table("French") * 20).encode()
    result = found(text.replace("Zoé".encode(), b"Zo\xe9", 1))
    assert (result.encoding, result.rivals) == ("utf-8", ())
    assert 0.9 < result.confidence < 1


def test_a_file_of_two_encodings_is_a_question() -> None:
    result = found(table("French").encode() + table("French").encode("cp1252"))
    assert result.rivals


def test_a_single_letter_far_behind_is_seen() -> None:
    result = found(b"a,b\n1,2\n" * 500_000 + "ü\n".encode("cp1252"))
    assert result.encoding != "utf-8"
    assert result.rivals
    assert found(b"a,b\n1,2\n" * 500_000 + "ü\n".encode()).encoding == "utf-8"


LONG = {
    "cp932": "ポケットの中にはビスケットがひとつ、ポケットをたたくとビスケットはふたつ。能ある鷹は爪を隠すポポポ表示",
    "euc_jp": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で泣いて",
    "gb18030": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。龘靐齉爩",
    "cp949": "모든인간은태어날때부터자유로우며그존엄과권리에있어동등하다인간은천부적으로이성과양심을부여받았으며",
}


@pytest.mark.parametrize("encoding", LONG)
def test_long_words_may_be_cut(encoding: str) -> None:
    text = "".join(f"{number},{LONG[encoding][number % 9 :]}\n" for number in range(40))
    result = found(text.encode(encoding))
    if result.rivals:
        assert encoding in (result.encoding, *result.rivals)
    else:
        assert text.encode(encoding).decode(result.settled()) == text


def test_too_few_words_are_a_question() -> None:
    assert found("a\nfrançois\n".encode("cp1252")).rivals


def test_what_is_full_of_control_characters_is_no_text() -> None:
    with pytest.raises(UndecodableFile, match="control characters"):
        found(bytes(range(1, 256)) * 10)


GERMAN = "Straße,Größe\nMüller,Äpfel\n"


@pytest.mark.parametrize(
    ("content", "expected", "other"),
    [
        (GERMAN.encode(), "utf-8", None),
        (GERMAN.encode("utf-8-sig"), "utf-8", None),
        (GERMAN.encode("cp1252"), "cp1252", None),
        (GERMAN.encode(), "cp1252", "utf-8"),
        (GERMAN.encode(), "iso8859-15", "utf-8"),
        (GERMAN.encode("cp1252"), "utf-8", "bytes that are none"),
        (GERMAN.encode() * 20 + b"\xff", "utf-8", None),
        (b"a,b\n1,2\n", "cp1252", None),
        (b"a,b\n1,2\n", "utf-8", None),
        ("größ,b\n".encode(), "cp1252", None),
    ],
)
def test_bytes_tell_that_they_are_in_another_encoding(content: bytes, expected: str, other: str | None) -> None:
    assert other_than(expected, lambda: nullcontext(io.BytesIO(content))) == other


@pytest.mark.parametrize(
    ("found", "expected", "other"),
    [
        ("cp1251", "cp1252", "cp1251"),
        ("cp1252", "iso8859-1", None),
        ("utf-16", "utf-16-le", None),
        ("utf-16", "utf-8", "utf-16"),
        ("utf-8", "utf-16", "utf-8"),
    ],
)
def test_what_was_found_is_compared_with_what_was_expected(found: str, expected: str, other: str | None) -> None:
    settled = FoundEncoding(found, 1.0, "")
    assert other_than(expected, lambda: nullcontext(io.BytesIO(b"a")), settled) == other
