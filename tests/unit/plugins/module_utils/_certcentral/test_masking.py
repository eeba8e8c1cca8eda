# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""No secret in a message: the API key, AuthKeys that were read, and what looks like one."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import get_key
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.masking import Secrets, mask

from tests.support.script import Script


def coded(code: t.Any, message: t.Any = "Text.") -> dict[str, t.Any]:
    return {"errors": [{"code": code, "message": message}]}


KEY = "".join(f"\\u{ord(character):04x}" for character in "the-api-key")


@pytest.mark.parametrize(
    "body",
    [
        coded("the-api-key", "bad the-api-key"),
        f'{{"errors": [{{"code": "{KEY}", "message": "bad {KEY}"}}]}}'.encode(),
        f'{{"odd": "{KEY}"}}'.encode(),
        b"<p>the-api-key</p>",
        b"<p>the-<b>api</b>-key</p>",
        {"auth_key_id": "a", "auth_key": "s3cret"},
        b'{"auth\\u005fkey": "s3\\u0063ret"}',
        [{"Auth_Key": "s3cret"}],
        coded("c", '{"auth_key": "s3cret"}'),
        b"<auth_key>s3cret</auth_key>",
        b"x=1&dc_auth_key=s3cret",
        b'<input name="auth_key" value="s3cret">',
        b"no such auth_key 's3cret'",
        b'{"auth_key": "s3cret',
        {"auth_key": ["1f3870be274f6c49b3-s3cret"]},
        {"auth_key": {"is": "1f3870be274f6c49b3-s3cret"}},
        coded("c", "AuthKey 1f3870be274f6c49b3-s3cret exists already."),
        b"auth-key: 1f3870be274f6c49b3-s3cret",
        b"The auth key is 1f3870be274f6c49b3-s3cret.",
        b"<p>" + b"<br>" * 4998 + b"the-api-key",  # where a long text is truncated
        f'{{"odd": ["{" " * 19980}", "the-api-key"]}}'.encode(),
        coded("the-\u200bapi-key", "the-api\x00-key"),
        {"auth_keys": ["s3cret", "an-s3cret", "1f3870be274f6c49b3-s3cret"]},
        coded("c", '{"auth_keys": ["s3cret", "a b3 s3cret"]}'),
        b"auth_keys = [s3cret, s3cret2]",
        b"auth_keys=s3cret",
        coded("c", "AuthKeys: 1f3870be274f6c49b3-s3cret 1f3870be274f6c49b4-s3cret, 1f3870be274f6c49b4-s3cret."),
        b"x-auth-key-1f3870be274f6c49b3-s3cret",
        {"auth_key": ["1f3870be274f6c49b3-s3cret", "1f3870be274f6c49b4-s3cret"]},
    ],
)
@pytest.mark.parametrize("status", [200, 302, 403, 500])
def test_no_secret_of_a_response_is_repeated(client: Client, script: Script, body: t.Any, status: int) -> None:
    script.answer(body, status=status, Location="https://x/the%2Dapi-%6bey/the-api-key?a=the-api-key")
    try:
        client.request("GET", "/x", "test")
    except DigicertError as error:
        shown = f"{error.message} {error} {error!r} {error.code}"
        assert not [part for part in ("the-a", "api-key", "api -key", "s3cret") if part in shown], shown


KNOWN = "qwertzuiop-asdfghjkl"


@pytest.mark.parametrize(
    "body",
    [
        coded(KNOWN, f"Not {KNOWN}, or {KNOWN}x."),
        b"<p>" + b"<br>" * 4998 + KNOWN.encode(),  # where a long text is truncated
        f"<p>{KNOWN[:12]}".encode(),
        coded("c", f"{KNOWN[:5]}\u200b{KNOWN[5:9]} {KNOWN[9:]}"),
    ],
)
def test_an_auth_key_that_was_read_is_not_repeated(client: Client, script: Script, body: t.Any) -> None:
    script.answer({"auth_key_id": "a", "auth_key": KNOWN})
    get_key(client, "a")
    script.answer(body, status=400)
    with pytest.raises(DigicertError) as caught:
        client.request("GET", "/x", "test")
    shown = f"{caught.value.message} {caught.value.code}"
    assert not [part for part in ("qwe", "zuiop", "asdf", "hjkl") if part in shown], shown


def test_words_ids_and_short_values_stay() -> None:
    secrets = Secrets.of("k" * 20, ["secret"])
    identifier = "0123456789abcdef0123"
    for text in (
        f"AuthKey {'and so on ' * 6} {identifier}",
        "A secret",
        f"The field auth_key_id is not {identifier}.",
    ):
        assert mask(text, secrets) == text


@pytest.mark.parametrize(
    ("begin", "unit"),
    [
        *[("", unit) for unit in ("auth_keys:[", "auth_key ", "auth_keys: a1", "0-", "kkkkkkkk", "-" * 20, '"')],
        *[("auth_keys: [", unit) for unit in ("k", "k,", "1", " ", "'")],
        *[("x-auth_key-", unit) for unit in ("k", "1", "-auth_key")],
    ],
)
def test_masking_takes_linear_time(begin: str, unit: str) -> None:
    auth_keys = [f"kkkkkkkk{number}" + "x" * 400 for number in range(10_000)]
    begun = time.process_time()
    full, empty = (Secrets.of("the-api-key", each) for each in (auth_keys, []))
    for secrets in (full, empty):
        mask(begin + unit * (256 * 1024 // len(unit)), secrets)
        for _ignored in range(1000):
            mask(begin + unit, secrets)
    assert time.process_time() - begun < 3
