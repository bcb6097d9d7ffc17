"""The request of seed 002: its names in every spelling, its numbers as texts, and errors that name the field."""

from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from services.api.one_shot.asked import asked_of
from services.api.one_shot.goal import Known, Wanted, wanted
from services.api.pointers import pointer_of
from services.api.problems import Refused
from shared.domain.merge import Mode
from shared.domain.property import Property, PropertyType

SAMPLE: dict[str, Any] = {
    "credentials": {
        "hostname": "files.partner.example",
        "username": "vagrant",
        "password": "vagrant",
        "post": "22",
        "file": "ftp_test.txt",
    },
    "mappings": {"email": "1", "lastname": "2"},
    "listIds": [1],
    "settings": {"update_duplicates": "yes", "delimiter": "comma"},
}
"""As the page has it, well formed and with a host filled in."""
PROPERTIES = (
    Property(name="email", type=PropertyType.EMAIL, is_identifier=True, label="E-mail", aliases={"nl": ("Mailadres",)}),
    Property(name="work_email", type=PropertyType.EMAIL),
    Property(name="lastname", type=PropertyType.TEXT, label="Last name"),
    Property(name="nickname", type=PropertyType.TEXT, aliases={"en": ("Called",)}),
    Property(name="other_name", type=PropertyType.TEXT, aliases={"en": ("called",)}),
    Property(name="customer", type=PropertyType.TEXT, is_identifier=True),
)
KNOWN = Known(properties=PROPERTIES, lists=[1, 2], unique_property="customer")


def changed(**changes: Any) -> dict[str, Any]:
    """The sample with other fields; what is `...` is left out, and `credentials` and `settings` are merged."""
    body = dict(SAMPLE)
    for name, value in changes.items():
        body[name] = {**SAMPLE[name], **value} if name in ("credentials", "settings") else value
    for name in ("credentials", "settings"):
        body[name] = {each: value for each, value in body[name].items() if value is not ...}
    return {name: value for name, value in body.items() if value is not ...}


def import_of(body: dict[str, Any], known: Known = KNOWN) -> Wanted:
    """What a request comes to."""
    asked, spelled = asked_of(body)
    return wanted(asked, spelled, known)


def flaws_of(body: dict[str, Any], known: Known = KNOWN) -> set[str]:
    """Pointers to what is refused."""
    try:
        import_of(body, known)
    except Refused as refused:
        return {error.pointer for error in refused.errors}
    except RequestValidationError as refused:
        return {pointer_of(each["loc"][1:], body, names_absent=each["type"] == "missing") for each in refused.errors()}
    return set()


def test_the_sample_maps_the_second_and_the_third_column() -> None:
    """`Array('email' => 0)` is the first column, so the sample's 1 is the second."""
    plan = import_of(SAMPLE)
    (key,), (lastname,) = plan.goal.identifiers, plan.goal.mapping
    assert (key.property, key.position) == ("email", 1)
    assert (lastname.property, lastname.position) == ("lastname", 2)
    assert (plan.email_position, plan.goal.lists.add_to, plan.goal.dialect.delimiter) == (1, (1,), ",")
    assert (plan.goal.mode, plan.goal.opt_in.declaration, plan.warnings) == (Mode.UPSERT, "undefined", ())
    asked, _ = asked_of(SAMPLE)
    assert (asked.credentials.port, asked.credentials.file) == (22, "ftp_test.txt")


@pytest.mark.parametrize(
    "spelled",
    [
        {f"${name}": value for name, value in SAMPLE.items()},
        {name.upper(): value for name, value in SAMPLE.items()},
        changed(credentials={"post": ..., "Port": 22}),
        changed(credentials={"post": "22", "port": 22}),
        changed(credentials={"hostname": ..., "Hostname": "files.partner.example"}),
        changed(settings={"delimiter": ..., "Delimeter": "Comma"}),
        changed(settings={"delimiter": "comma", "DELIMETER": "comma"}),
        changed(settings={"delimiter": "", "update_duplicates": None}),
        changed(settings={"update_using": "none", "custom_key_position": "", "Progress_email_address": ""}),
        changed(listIds=["1", 1]),
        changed(mappings={"E-MAIL": 1, "Last Name": 2}),
        changed(mappings={"mailadres": 1, " lastname ": "2"}),
        changed(mappings={"email": "1", "Email": 1, "Mailadres": "01", "lastname": 2, "Last name": 2}),
    ],
)
def test_names_match_however_they_are_spelled(spelled: dict[str, Any]) -> None:
    assert import_of(spelled).goal == import_of(SAMPLE).goal


def test_an_absent_port_is_21_and_a_path_may_be_absolute() -> None:
    asked, _ = asked_of(changed(credentials={"post": ..., "file": "/in/a b.csv"}))
    assert (asked.credentials.port, asked.credentials.file) == (21, "/in/a b.csv")
    asked, _ = asked_of(changed(credentials={"port": "", "post": "", "file": "./in/a.csv"}))
    assert (asked.credentials.port, asked.credentials.file) == (21, "in/a.csv")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/credentials", "/mappings", "/settings"}),
        (changed() | {"settings": []}, set()),
        (changed() | {"settings": "yes"}, {"/settings"}),
        (changed() | {"lists": [1]}, {"/lists"}),
        (changed(credentials={"host": "a"}), {"/credentials/host"}),
        (changed(credentials={"hostname": ""}), {"/credentials/hostname"}),
        (changed(credentials={"hostname": "sftp://a.example"}), {"/credentials/hostname"}),
        (changed(credentials={"hostname": "a b"}), {"/credentials/hostname"}),
        (changed(credentials={"Hostname": "other.example"}), {"/credentials/Hostname"}),
        (changed(credentials={"port": 21}), {"/credentials/port"}),
        (changed(credentials={"post": "0"}), {"/credentials/post"}),
        (changed(credentials={"post": "ssh"}), {"/credentials/post"}),
        (changed(credentials={"post": True}), {"/credentials/post"}),
        (changed(credentials={"username": "a\nb"}), {"/credentials/username"}),
        (changed(credentials={"password": 5}), {"/credentials/password"}),
        (changed(credentials={"file": "../etc/passwd"}), {"/credentials/file"}),
        (changed(credentials={"file": "/"}), {"/credentials/file"}),
        (changed(credentials={"file": "in//a.csv"}), {"/credentials/file"}),
        (changed(credentials={"file": ".//etc/passwd"}), {"/credentials/file"}),
        (changed(credentials={"hostname": "169.254.169.254"}), {"/credentials/hostname"}),
        (changed(credentials={"hostname": ..., "Hostname": "0x7f.1"}), {"/credentials/Hostname"}),
        (changed(credentials={"Password": "vagrant "}), {"/credentials/Password"}),
        (changed(mappings={"email": "0", "colour": "1"}), {"/mappings/colour"}),
        (changed(mappings={"email": "0", "called": "1"}), {"/mappings/called"}),
        (changed(mappings={"email": "0", "E-mail": "1"}), {"/mappings/E-mail"}),
        (
            changed(mappings={"Email": 0, "email": "0", "EMAIL": 1, "e-mail": "2"}),
            {"/mappings/EMAIL", "/mappings/e-mail"},
        ),
        (changed(mappings={"email": "first"}), {"/mappings/email"}),
        (changed(mappings={"email": -1}), {"/mappings/email"}),
        (changed(mappings={"email": ""}), {"/mappings/email"}),
        (changed(mappings={"email": 1.5}), {"/mappings/email"}),
        (changed(mappings={"lastname": 0}), {"/mappings/email"}),
        (changed(mappings=[]), {"/mappings/email"}),
        (changed(mappings={"work_email": 0}), {"/mappings/work_email"}),
        (changed(listIds=["one"]), {"/listIds/0"}),
        (changed(listIds=5), {"/listIds"}),
        (changed(settings={"update_duplicates": "maybe"}), {"/settings/update_duplicates"}),
        (changed(settings={"update_using": "id"}), {"/settings/update_using"}),
        (changed(settings={"update_using": "unique_id"}), {"/settings/custom_key_position"}),
        (changed(settings={"custom_key_position": "first"}), {"/settings/custom_key_position"}),
        (changed(settings={"delimiter": ";"}), {"/settings/delimiter"}),
        (changed(settings={"Delimeter": "tab"}), {"/settings/Delimeter"}),
        (changed(settings={"progress_email_address": "nobody"}), {"/settings/progress_email_address"}),
        (
            changed(settings={"update_using": "system_id", "custom_key_position": 0, "update_duplicates": "no"}),
            {"/settings/update_duplicates"},
        ),
    ],
)
def test_errors_name_the_field_as_it_was_spelled(body: dict[str, Any], pointers: set[str]) -> None:
    assert flaws_of(body) == pointers


def test_what_names_a_row_is_pointed_to_where_the_request_says_it() -> None:
    """Not to another column of e-mail addresses that comes before it."""
    plan = import_of(changed(mappings={"work_email": 0, "E-mail": 1}))
    assert plan.goal.identifiers[0].property == "email"
    assert plan.pointers == ("/mappings/E-mail", "/mappings/work_email")


def test_the_report_goes_to_who_asks() -> None:
    """And to nobody where neither the request nor its key says whom: not to who asked for the same file before."""
    known = Known(PROPERTIES, [], "", email="key@shop.example")
    said = changed(settings={"progress_email_address": "crm@shop.example"})
    told = [import_of(body, each).goal.feedback for each in (known, KNOWN) for body in (SAMPLE, said)]
    assert [each.emails for each in told] == [
        ("key@shop.example",), ("crm@shop.example",), (), ("crm@shop.example",),
    ]  # fmt: skip
    assert [each.when for each in told] == ["always", "always", "never", "always"]


def test_what_is_unknown_is_answered_with_what_is_known() -> None:
    with pytest.raises(RequestValidationError) as refused:
        import_of(changed(settings={"separator": ","}))
    assert "delimiter" in refused.value.errors()[0]["msg"]
    with pytest.raises(Refused) as unknown:
        import_of(changed(mappings={"email": 0, "colour": 1}))
    assert "lastname" in unknown.value.errors[0].detail


def test_a_unique_id_is_the_property_that_the_operator_names() -> None:
    by_id = changed(settings={"update_using": "unique_id", "custom_key_position": "0"})
    plan = import_of(by_id)
    assert [(each.property, each.position) for each in plan.goal.identifiers] == [("customer", 0)]
    assert {each.property for each in plan.goal.mapping} == {"email", "lastname"}
    for named in ("", "lastname", "unheard_of"):
        assert flaws_of(by_id, Known(PROPERTIES, [], named)) == {"/settings/update_using"}
    twice = {**by_id, "mappings": {"email": 1, "customer": 5}}
    assert flaws_of(twice) == {"/mappings/customer"}
    assert import_of({**by_id, "mappings": {"email": 1, "customer": 0}}).goal.mapping[0].property == "email"


def test_a_system_id_only_updates() -> None:
    plan = import_of(changed(settings={"update_using": "system_id", "custom_key_position": 0}))
    assert (plan.goal.mode, plan.goal.identifiers[0].property) == (Mode.UPDATE_ONLY, "system_id")
    assert import_of(changed(settings={"update_duplicates": "No"})).goal.mode is Mode.CREATE_ONLY


def test_unknown_lists_and_an_unused_key_are_warnings() -> None:
    plan = import_of(changed(listIds=[2, 7, 10**15], settings={"custom_key_position": 0}))
    assert plan.goal.lists.add_to == (2,)
    assert [each.code for each in plan.warnings] == ["unknown_list", "custom_key_unused"]
    assert "7, 1000000000000000" in plan.warnings[0].detail


@pytest.mark.parametrize("long", ["", "d" * 170, "d" * 200])
def test_each_file_and_user_have_a_goal_of_their_own(long: str) -> None:
    """However long their names are, and however their names read side by side."""
    errands = (("a", "c"), ("b", "c"), ("a as b", "c"), ("a", "b as c"), ("a as", "b"), ("a", "as b"))
    names = [
        import_of(changed(credentials={"file": long + file, "username": user})).goal.name for file, user in errands
    ]
    assert len(set(names)) == len(errands)
    assert max(map(len, names)) <= 200
