# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request tokens: properties that hold for any CSR, any key, and any change of them."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import order_csr
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import (
    base36,
    has_valid_token,
    make_token,
    read_token,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.csr_samples import any_csr, any_key, any_pem, body

# From 2026 to 2031; in a year such as 2032 "203" before a token hides it, from DigiCert's validator too.
moments = st.integers(1767225600, 1956527999)
ages = st.integers(0, 30 * 86400)
surroundings = st.text(max_size=40)
# Characters of PEM text and tokens, and any others.
characters = st.characters(min_codepoint=33, max_codepoint=126) | st.characters()


def changed(draw: st.DrawFn, text: str) -> str:
    """Return a text with one character replaced by another."""
    place = draw(st.integers(0, len(text) - 1))
    character = draw(characters)
    assume(character != text[place])
    return text[:place] + character + text[place + 1 :]


def accepted(text: str, csr: str, key: str, csr_format: str, now: float) -> bool:
    """Return whether the token is valid; an invalid CSR or key is an error, so the token is not valid either."""
    try:
        return has_valid_token(text, csr, key, csr_format=csr_format, now=now)
    except DigicertError:
        return False


@given(st.binary(min_size=32, max_size=32))
def test_base36_is_exact(digest: bytes) -> None:
    digits = base36(digest)
    assert len(digits) == 50
    assert digits == digits.lower()
    assert int(digits, 36) == int.from_bytes(digest, "big")


@given(any_csr, any_key, moments, ages, surroundings, surroundings)
def test_a_token_is_read_and_valid(csr: str, key: str, moment: int, age: int, before: str, after: str) -> None:
    timestamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(moment))
    token = make_token(csr, key, timestamp=timestamp)
    assert len(token) == 64
    info = read_token(token)
    assert info.timestamp == timestamp == token[:14]
    assert info.created.timestamp() == moment
    assert accepted(before + token + after, csr, key, "base64", moment + age)
    assert not accepted(token, csr, key, "base64", moment - 1)
    assert not accepted(token, csr, key, "base64", moment + 30 * 86400 + 1)


@given(any_pem, any_key, moments)
def test_a_pem_token_is_valid_for_the_pem_text_only(csr: str, key: str, moment: int) -> None:
    token = make_token(csr, key, csr_format="pem", now=moment)
    assert accepted(token, csr, key, "pem", moment)
    assert not accepted(token, csr, key, "base64", moment)
    assert not accepted(token, csr + "\n", key, "pem", moment)


@given(st.data(), any_csr, any_key, moments)
def test_any_change_of_the_token_makes_it_invalid(data: st.DataObject, csr: str, key: str, moment: int) -> None:
    token = make_token(csr, key, now=moment)
    assert not accepted(changed(data.draw, token), csr, key, "base64", moment)


@given(st.data(), any_csr, any_key, moments)
def test_any_change_of_the_key_makes_the_token_invalid(data: st.DataObject, csr: str, key: str, moment: int) -> None:
    token = make_token(csr, key, now=moment)
    assert not accepted(token, csr, changed(data.draw, key), "base64", moment)


@given(st.data(), any_pem, any_key, moments)
def test_any_change_of_the_csr_makes_the_token_invalid(data: st.DataObject, csr: str, key: str, moment: int) -> None:
    token = make_token(csr, key, csr_format="pem", now=moment)
    assert not accepted(token, changed(data.draw, csr), key, "pem", moment)


@given(st.data(), any_pem, any_key, moments)
def test_any_change_of_the_base64_makes_the_token_invalid(data: st.DataObject, csr: str, key: str, moment: int) -> None:
    token = make_token(csr, key, now=moment)
    assert not accepted(token, changed(data.draw, body(csr)), key, "base64", moment)


@given(any_pem)
def test_the_string_for_the_order_does_not_change_any_more(csr: str) -> None:
    once = order_csr(csr)
    assert once == body(csr)
    assert order_csr(once) == once


def message(call: t.Callable[[], object]) -> str:
    """Return the error of a call, or nothing; any exception except the collection's own is a bug."""
    try:
        call()
    except DigicertError as error:
        return str(error)
    return ""


anything = st.none() | st.booleans() | st.integers() | st.binary() | st.text() | st.lists(st.text())


@given(anything, anything, anything, anything, anything, st.text(min_size=8))
def test_bad_input_is_an_error_that_does_not_show_it(
    csr: object, key: object, timestamp: object, backdate: object, csr_format: object, text: str
) -> None:
    for call in (
        lambda: make_token(csr, key, timestamp=timestamp, backdate=backdate, csr_format=csr_format),
        lambda: make_token(text, "key"),
        lambda: order_csr(text, "pem"),
        lambda: read_token(text),
        lambda: has_valid_token(text, text, text),
    ):
        assert text not in message(call)
