# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Section 3 of the API page: the validator of request tokens.

The vectors are made with openssl and bc: ``printf '%s%s' "$timestamp" "$csr" | openssl dgst -sha256 -hmac "$key"``, and
the digest through ``obase=36; ibase=16``.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.simulator import check_request_token
from tests.simulator.request_tokens import request_token
from tests.support.service_calls import Call

CREATED = datetime(2026, 1, 15, 12, tzinfo=timezone.utc)
KEY = "kéy-0123456789"
BODY = (
    "MIHQMHgCAQAwFjEUMBIGA1UEAwwLZXhhbXBsZS5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARr2VZ7VLw34LnFaoYEJbpKCH9r0HKDMiCD"
    "ZdVOR7vN4EREIl/nj+31+1jThwzsqTKg1dt/gKSyMCtKfEJSSrnfoAAwCgYIKoZIzj0EAwIDSAAwRQIhAPffRtTT+Q+e2JJ8Ri2pGw5kKeovq/Bf"
    "xe88PtsAQXDlAiB7d2NNHpU0Y7CSmXdmqbDpPbt5maX0S4cX7K7kFmr0Nw=="
)
LINES = "\n".join(BODY[start : start + 64] for start in range(0, len(BODY), 64))
PEM = f"-----BEGIN CERTIFICATE REQUEST-----\n{LINES}\n-----END CERTIFICATE REQUEST-----\n"
TOKEN = "2026011512000063zr62nritxsc5wpk8hf4y3196qt0at1jkgvol2bjcb8i1s1l5"


@pytest.mark.parametrize(
    ("csr", "key", "token"),
    [
        (BODY, KEY, TOKEN),
        (PEM, KEY, "202601151200003pz9m7vekfqueliq3q2ujn45p8vf39lti37t438dawq7puk1km"),
        ("csr", "233", "2026011512000000kqnub5a06u2s35xl6gx17833kzqcflyght5juzt6adi52ghd"),
    ],
    ids=["base64", "pem", "padded"],
)
def test_independent_vectors(csr: str, key: str, token: str) -> None:
    assert check_request_token(token, csr, key, now=CREATED).token == token


@pytest.mark.parametrize(
    ("age", "problem"),
    [
        (timedelta(seconds=-1), "in the future"),
        (timedelta(0), None),
        (timedelta(days=30), None),
        (timedelta(days=30, seconds=1), "expired"),
    ],
)
def test_lifetime(age: timedelta, problem: str | None) -> None:
    check = check_request_token(TOKEN, BODY, KEY, now=CREATED + age)
    assert check.problems == ([problem] if problem else [])
    assert check.token == (None if problem else TOKEN)


def test_token_of_the_previous_year_is_found() -> None:
    last_year = request_token(KEY, BODY, "20261231235959")
    assert check_request_token(last_year, BODY, KEY, now=datetime(2027, 1, 10, tzinfo=timezone.utc)).token == last_year
    two_years_on = check_request_token(last_year, BODY, KEY, now=datetime(2028, 1, 10, tzinfo=timezone.utc))
    assert two_years_on.problems == [], "not even a candidate"


@pytest.mark.parametrize("text", ["before{}", "{}after", "\r\n {} \n", "2026{}", "v=2026\n{other}\n{}", "{half}{}"])
def test_surrounding_text_does_not_matter(text: str) -> None:
    text = text.format(TOKEN, other=TOKEN[::-1], half=TOKEN[:40])
    assert check_request_token(text, BODY, KEY, now=CREATED).token == TOKEN


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", []),
        ("nothing", []),
        (TOKEN[:-1], ["too short"]),
        ("20261399000000" + TOKEN[14:], ["no timestamp"]),
        ("2026 1 1 1 1 1" + TOKEN[14:], ["no timestamp"]),
        (TOKEN[:-1] + "é", ["wrong hash"]),
        (TOKEN.upper(), ["wrong hash"]),
    ],
)
def test_texts_without_a_valid_token(text: str, problems: list[str]) -> None:
    check = check_request_token(text, BODY, KEY, now=CREATED)
    assert (check.token, check.problems) == (None, problems)


def test_any_change_makes_it_invalid() -> None:
    for position in range(14, 64):
        changed = TOKEN[:position] + ("0" if TOKEN[position] != "0" else "1") + TOKEN[position + 1 :]
        assert check_request_token(changed, BODY, KEY, now=CREATED).token is None
    assert check_request_token(TOKEN, BODY[:-1], KEY, now=CREATED).token is None
    assert check_request_token(TOKEN, PEM, KEY, now=CREATED).token is None
    assert check_request_token(TOKEN, BODY, KEY + " ", now=CREATED).token is None


def test_check_over_the_control_plane(control: Call) -> None:
    year = datetime.now(timezone.utc).year
    answer = control("POST", "/request-token", json={"text": f"{year}", "csr": BODY, "auth_key": KEY})
    assert answer.json() == {"token": None, "problems": ["too short"]}
    assert control("POST", "/request-token", json={"text": ""}).status_code == 400
