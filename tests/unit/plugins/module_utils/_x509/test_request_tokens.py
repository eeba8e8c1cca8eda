# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request tokens: the values, the forms of a CSR, the 30 days."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509 import request_tokens
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import order_csr
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import (
    VALIDITY,
    TokenInfo,
    find_token,
    has_valid_token,
    make_token,
    read_token,
)

from tests.support.csr_samples import AUTH_KEY, EC_KEY, RSA_KEY, body, pem, real_csr

VECTORS = Path(__file__).parents[4] / "vectors" / "request_tokens.tsv"
RSA, EC = real_csr(RSA_KEY), real_csr(EC_KEY)
CSR = pem(RSA)
NOW = 1795450493.0  # 2026-11-23T16:14:53Z
DAY = 86400.0


def vectors() -> list[list[str]]:
    lines = VECTORS.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def valid(text: str, now: float = NOW, csr: str = CSR) -> bool:
    return has_valid_token(text, csr, AUTH_KEY, now=now)


@pytest.mark.parametrize(
    ("csr_format", "auth_key", "timestamp", "escaped", "token"),
    [pytest.param(*row, id=f"{row[0]}-{number}") for number, row in enumerate(vectors())],
)
def test_tokens_are_those_of_openssl_and_bc(
    csr_format: str, auth_key: str, timestamp: str, escaped: str, token: str
) -> None:
    hashed = escaped.replace("\\r", "\r").replace("\\n", "\n")
    assert make_token(hashed, auth_key, timestamp=timestamp, csr_format=csr_format) == token
    assert order_csr(hashed, csr_format) == hashed


def test_vectors_cover_what_they_should() -> None:
    rows = vectors()
    assert {row[0] for row in rows} == {"base64", "pem", "pem_line"}
    assert any(row[4][14:17] == "000" for row in rows), "a number that needs padding"
    assert any(len(row[1]) > 64 for row in rows), "a key longer than a block of SHA-256"
    assert any(not row[1].isascii() for row in rows), "a key that is not ASCII"


def test_vectors_can_be_made_again() -> None:
    assert shutil.which("openssl"), "openssl is missing: run make debian-packages"
    assert shutil.which("bc"), "bc is missing: run make debian-packages"
    made = subprocess.run(["sh", str(VECTORS.with_suffix(".sh"))], stdout=subprocess.PIPE, check=True).stdout
    assert made == VECTORS.read_bytes()


@pytest.mark.parametrize("der", [RSA, EC], ids=["RSA", "EC"])
def test_all_forms_of_a_csr_are_the_same_for_base64(der: bytes) -> None:
    text = pem(der)
    token = make_token(text, AUTH_KEY, timestamp="20261101000000")
    for form in (
        pem(der, eol="\r\n"),
        pem(der, eol="  \n"),
        pem(der, eol="\r"),
        pem(der, width=76),
        pem(der, label="NEW CERTIFICATE REQUEST"),
        text.rstrip(),
        "\n \t" + text + "\n\n  ",
        body(text),
        body(text) + "\n",
        "\n".join(text.splitlines()[1:-1]),
    ):
        assert make_token(form, AUTH_KEY, timestamp="20261101000000") == token
        assert order_csr(form) == body(text)


@pytest.mark.parametrize(
    "text", [CSR, CSR.rstrip(), pem(RSA, eol="\r\n"), "\n" + CSR], ids=["LF", "no line end", "CRLF", "blank line"]
)
def test_pem_is_taken_exactly_as_given(text: str) -> None:
    assert order_csr(text, "pem") == text
    token = make_token(text, AUTH_KEY, csr_format="pem", now=NOW)
    assert has_valid_token(token, text, AUTH_KEY, csr_format="pem", now=NOW)
    assert not has_valid_token(token, text, AUTH_KEY, now=NOW)
    assert not has_valid_token(token, text + "\n", AUTH_KEY, csr_format="pem", now=NOW)


def test_timestamp_is_now_moved_back() -> None:
    assert make_token(CSR, AUTH_KEY, now=NOW)[:14] == "20261123160953"
    assert make_token(CSR, AUTH_KEY, now=NOW, backdate=0)[:14] == "20261123161453"
    assert make_token(CSR, AUTH_KEY, now=NOW, backdate=30 * 86400 - 1)[:14] == "20261024161454"
    before = time.time() - 300
    created = read_token(make_token(CSR, AUTH_KEY)).created.timestamp()
    assert before - 1 <= created <= time.time() - 300


def test_timestamp_is_utc_wherever_the_controller_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX+11")
    time.tzset()
    try:
        token = make_token(CSR, AUTH_KEY, now=NOW, backdate=0)
        assert token[:14] == "20261123161453"
        assert valid(token)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_timestamp_wins_over_backdate() -> None:
    token = make_token(CSR, AUTH_KEY, timestamp="20261101000000", backdate=10, now=NOW)
    assert token == make_token(CSR, AUTH_KEY, timestamp="20261101000000")


def test_a_token_is_valid_from_its_second_to_thirty_days_later() -> None:
    token = make_token(CSR, AUTH_KEY, now=NOW, backdate=0)
    answers = {now: valid(token, now) for now in (NOW - 0.001, NOW, NOW + 30 * DAY, NOW + 30 * DAY + 0.001)}
    assert list(answers.values()) == [False, True, True, False]


def test_a_token_of_last_year_is_found() -> None:
    new_year = 1798761600.0  # 2027-01-01T00:00:00Z
    token = make_token(CSR, AUTH_KEY, now=new_year, backdate=1)
    assert token.startswith("20261231235959")
    assert valid(token, new_year)


def test_a_token_is_found_anywhere_and_among_several() -> None:
    token = make_token(CSR, AUTH_KEY, now=NOW)
    others = [
        make_token(pem(EC), AUTH_KEY, now=NOW),
        make_token(CSR, "another key", now=NOW),
        make_token(CSR, AUTH_KEY, now=NOW - 40 * DAY),
        make_token(CSR, AUTH_KEY, now=NOW + DAY),
    ]
    for other in others:
        assert not valid(other)
    assert not valid("\n".join(others))
    for text in (
        "\n".join([*others, token]),
        "\n".join([token, *others]),
        f'"{token}"',
        f"<p>{token}</p>\r\n",
        f"2026{token}",
        f"20262025{token}2026",
        "\u20ac\udc80" + token,
        f"20261123161453{token}x",
    ):
        assert valid(text), text


@pytest.mark.parametrize(
    "text",
    ["", "2026", "nothing", "2026" * 5000, "20261123161453" + "\u00e4" * 50, "20261123161453" + "\udc80" * 50],
    ids=["empty", "year", "word", "years", "not ASCII", "not Unicode"],
)
def test_no_token_in_a_text(text: str) -> None:
    assert not valid(text)


@pytest.mark.parametrize(
    ("text", "by_http", "by_dns"),
    [
        ("{token}", True, True),
        ("{token} 2026 {token}", True, True),
        ("v=1 {token} v=2", True, True),
        ("20261123 {token}", True, False),
        ("2025 {token}", True, False),
        ("2024 {token}", True, True),
        ("{other} {token}", True, False),
        ("x" * 4936 + "{token}", True, True),
        ("x" * 4937 + "{token}", False, True),
    ],
)
def test_dns_and_http_are_read_as_digicert_does(text: str, by_http: bool, by_dns: bool) -> None:
    other = make_token(pem(EC), AUTH_KEY, now=NOW)
    shown = text.format(token=make_token(CSR, AUTH_KEY, now=NOW), other=other)
    answers = [has_valid_token(shown, CSR, AUTH_KEY, now=NOW, method=method) for method in ("http", "dns", None)]
    assert answers == [by_http, by_dns, True]


def test_a_token_is_found_whether_valid_or_not() -> None:
    future = make_token(CSR, AUTH_KEY, now=NOW + DAY, backdate=0)
    info = find_token(make_token(pem(EC), AUTH_KEY) + f" {future}", CSR, AUTH_KEY)
    assert info is not None
    assert info.timestamp == future[:14]
    assert find_token(future, pem(EC), AUTH_KEY) is None


def test_other_forms_of_a_token_are_not_found() -> None:
    token = make_token(CSR, AUTH_KEY, now=NOW)
    for text in (token[:-1], token[:-1] + " ", token[:30] + "\n" + token[30:], token.upper(), token[4:]):
        assert not valid(text), text


def test_info_of_a_token() -> None:
    info = read_token(make_token(CSR, AUTH_KEY, timestamp="20260228235959"))
    assert info.timestamp == "20260228235959"
    assert info.created.isoformat() == "2026-02-28T23:59:59+00:00"
    assert info.expires.isoformat() == "2026-03-30T23:59:59+00:00"


def test_remaining_days_and_expired() -> None:
    info = TokenInfo.of("20261123161453")
    assert info is not None
    assert (info.expires - info.created) == VALIDITY
    assert info.remaining_days(NOW) == 30
    assert info.remaining_days(NOW + 30.5 * DAY) == -0.5
    assert not info.expired(NOW + 30 * DAY)
    assert info.expired(NOW + 30 * DAY + 0.001)


def test_info_of_the_first_token_in_a_text() -> None:
    first, second = (make_token(CSR, AUTH_KEY, timestamp=f"2019010{day}000000") for day in (1, 2))
    text = f"v=1 2019 {'9' * 64} {first}\n{second}"
    assert read_token(text).timestamp == "20190101000000"
    # The 64 characters from the first digit look like a token, but do not begin with a date.
    assert read_token("1111" + first).timestamp == "20190101000000"


def test_needs_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        f"import {request_tokens.__name__}\n"
        "tops = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(tops & {'ansible', 'cryptography', 'requests', 'jinja2', 'yaml'}))"
    )
    answer = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_nothing_is_remembered_between_calls() -> None:
    make_token(CSR, AUTH_KEY)
    held: list[t.Any] = list(vars(request_tokens).values())
    assert not [value for value in held if hasattr(value, "cache_info")]
    assert AUTH_KEY not in repr(held)


def test_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[t.Any] = []
    monkeypatch.setattr(request_tokens.hmac, "compare_digest", lambda *pair: compared.append(pair))
    assert not valid(make_token(CSR, AUTH_KEY, now=NOW))
    assert len(compared) == 1


def test_error_is_the_one_of_the_collection() -> None:
    with pytest.raises(DigicertError):
        make_token("", AUTH_KEY)
