# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request that was given up is not sent afterwards, and bodies are sent whole otherwise."""

from __future__ import annotations

import json
import socket
import time
import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._client import Client
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

from tests.support.script import Script


@pytest.mark.parametrize("body", [None, {"money": 1}], ids=["without a body", "with a body"])
def test_a_request_that_was_given_up_is_not_sent_later(
    script: Script, monkeypatch: pytest.MonkeyPatch, body: t.Any
) -> None:
    look_up = socket.getaddrinfo

    def slowly(*arguments: t.Any, **options: t.Any) -> t.Any:
        time.sleep(1)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    script.answer({"id": 1})
    with pytest.raises(DigicertError, match="no complete answer within") as caught:
        Client(script.url, "the-api-key", timeout=0.3).request("POST", "/order", "order", body=body)
    assert caught.value.lost
    time.sleep(1.2)
    assert script.requests == []


def test_a_body_is_sent_whole_with_its_length(script: Script, client: Client) -> None:
    body = {"text": "\u00fc" * 300_000}
    for _ignored in range(2):
        script.answer({"id": 1})
        assert client.request("POST", "/order", "order", body=body).payload == {"id": 1}
    for _ignored, _ignored, headers, sent in script.requests:
        assert json.loads(sent) == body
        assert headers["Content-Length"] == str(len(sent))
        assert "Transfer-Encoding" not in headers
    assert script.connections == 1
