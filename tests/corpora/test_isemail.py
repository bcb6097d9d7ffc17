"""isemail's verdicts on 164 addresses beside those of the type `email`, on addresses that came in a file.

isemail judges by RFC 5321 and 5322, whose grammar allows what no address of a contact has ever been. The type takes
RFC 5321's dot-string at a host name of two labels or more; what isemail calls valid besides is refused, each class for
a reason of its own. What isemail calls an error is taken only where nothing but white space around the address is
wrong, because values are trimmed.
"""

import csv
import io
import json

import pytest

from shared.domain.trimmed import TRIMMED
from tests.corpora.folder import content, needed
from tests.corpora.importing import Importing

pytestmark = [needed, pytest.mark.timeout(600)]

QUOTED = "a quoted local part: no provider of mailboxes gives one out, and other systems choke on it"
COMMENT = "a comment, or white space that folds: notation of a mail's header, no part of an address"
LITERAL = "an address literal: a machine, and nobody whom a mailing could mean"
LENGTH = "longer than RFC 5321 lets be delivered: 64 bytes before the @, 63 a label, 254 in all"
HOST = "a domain of one label, or one whose last label is no top-level domain: a slip of the pen"

REFUSED_THOUGH_VALID = {
    "ISEMAIL_VALID": HOST,  # test@io
    "ISEMAIL_DNSWARN_NO_RECORD": HOST,  # test@iana.a: the last label has one letter
    "ISEMAIL_RFC5321_TLD": HOST,
    "ISEMAIL_RFC5321_TLDNUMERIC": HOST,
    "ISEMAIL_RFC5322_DOMAIN": "a domain with characters that no host name has",
    "ISEMAIL_RFC5321_QUOTEDSTRING": QUOTED,
    "ISEMAIL_DEPREC_LOCALPART": QUOTED,
    "ISEMAIL_DEPREC_QP": QUOTED,
    "ISEMAIL_DEPREC_QTEXT": QUOTED,
    "ISEMAIL_DEPREC_CFWS_NEAR_AT": COMMENT,
    "ISEMAIL_DEPREC_FWS": COMMENT,
    "ISEMAIL_DEPREC_COMMENT": COMMENT,
    "ISEMAIL_DEPREC_CTEXT": COMMENT,
    "ISEMAIL_CFWS_COMMENT": COMMENT,
    "ISEMAIL_RFC5321_ADDRESSLITERAL": LITERAL,
    "ISEMAIL_RFC5321_IPV6DEPRECATED": LITERAL,
    "ISEMAIL_RFC5322_DOMAINLITERAL": LITERAL,
    "ISEMAIL_RFC5322_DOMLIT_OBSDTEXT": LITERAL,
    "ISEMAIL_RFC5322_IPV6_2X2XCOLON": LITERAL,
    "ISEMAIL_RFC5322_IPV6_BADCHAR": LITERAL,
    "ISEMAIL_RFC5322_IPV6_COLONEND": LITERAL,
    "ISEMAIL_RFC5322_IPV6_COLONSTRT": LITERAL,
    "ISEMAIL_RFC5322_IPV6_GRPCOUNT": LITERAL,
    "ISEMAIL_RFC5322_IPV6_MAXGRPS": LITERAL,
    "ISEMAIL_RFC5322_LOCAL_TOOLONG": LENGTH,
    "ISEMAIL_RFC5322_LABEL_TOOLONG": LENGTH,
    "ISEMAIL_RFC5322_DOMAIN_TOOLONG": LENGTH,
    "ISEMAIL_RFC5322_TOOLONG": LENGTH,
}
"""Diagnosis -> why the type refuses addresses that isemail finds valid under it."""

NO_VALUE = {""}
"""An empty field is no address at all, and so no wrong one."""


async def test_every_difference_from_isemail_has_its_reason(importing: Importing) -> None:
    cases = {case["id"]: case for case in json.loads(content("isemail", "cases.json"))}
    await importing.define("key", is_identifier=True)
    await importing.define("address", "email")
    answer = await importing.save(
        "addresses.csv",
        identifiers=[{"field": "id", "property": "key"}],
        mapping=[{"field": "address", "property": "address"}],
    )
    assert answer.status_code == 201, answer.text
    file = io.StringIO()
    csv.writer(file).writerows([("id", "address"), *((n, case["address"]) for n, case in cases.items())])
    run = (await importing.runs({"addresses.csv": file.getvalue().encode()}))["addresses.csv"]
    assert run["state"] == "completed_with_rejects"

    taken = {each["properties"]["key"]: each["properties"]["address"] for each in await importing.all("/v1/profiles")}
    refused = {each["raw"][0]: each["code"] for each in await importing.all(f"/v1/runs/{run['id']}/rejects")}
    assert sorted([*taken, *refused]) == sorted(cases)
    assert {code for n, code in refused.items() if "\0" not in cases[n]["address"]} == {"not_an_email"}

    seen = set()
    for number, case in cases.items():
        address, is_valid, diagnosis = case["address"], case["syntactically_valid"], case["diagnosis"]
        if address in NO_VALUE:
            assert taken[number] is None
        elif number in taken:
            assert taken[number] == address.strip(TRIMMED)
            assert is_valid or address != address.strip(TRIMMED), address
        elif is_valid:
            assert diagnosis in REFUSED_THOUGH_VALID, address
            seen.add(diagnosis)
    assert seen == REFUSED_THOUGH_VALID.keys()
