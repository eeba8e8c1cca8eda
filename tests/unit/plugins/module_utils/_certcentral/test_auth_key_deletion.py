# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deleting AuthKeys: only the one that is meant, and what lost responses and lists that lag behind mean."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_key_creation import ensure_present
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_key_deletion import ensure_absent
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import AuthKeySpec
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client, Response
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    NotSentError,
    RefusedError,
)

from tests.support.auth_key_service import LAG, LOSSES, Service, raw
from tests.support.script import Script


@pytest.mark.parametrize("auth_key_id", [" ", ".", "..", "a/b", "a?b", "a#b", "%2e", "a b", "ä", "a\n", "a" * 5000])
def test_an_id_that_could_be_another_path_is_never_sent(client: Client, script: Script, auth_key_id: str) -> None:
    with pytest.raises(DigicertError, match="is not the id of an AuthKey"):
        ensure_absent(client, auth_key_id=auth_key_id)
    assert script.calls == []


@pytest.mark.parametrize(
    "options",
    [{}, {"auth_key_id": ""}, {"permanent": True, "auth_key_id": "a"}, {"permanent": True, "auth_key_id": ""}],
)
def test_the_permanent_key_is_deleted_only_by_an_explicit_word(
    client: Client, script: Script, options: dict[str, t.Any]
) -> None:
    with pytest.raises(DigicertError, match="permanent=true"):
        ensure_absent(client, **options)
    assert script.calls == []


@pytest.mark.parametrize("lag", [0.0, LAG])
@pytest.mark.parametrize("carried_out", [True, False, 20.0], ids=["carried out", "not carried out", "carried out late"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_deletion_counts_by_the_key_being_gone(
    sleeps: list[float], lag: float, carried_out: bool | float, loss: str
) -> None:
    service = Service(sleeps, lag)
    service.seed("old")
    service.faults.append((carried_out, LOSSES[loss]))
    assert ensure_absent(t.cast(Client, service), permanent=True).changed
    assert service.there() == []


@pytest.mark.parametrize("carried_out", [False, 200.0], ids=["not carried out", "carried out very late"])
@pytest.mark.parametrize("second", [LOSSES["page"], RefusedError("no.", http_status=403, code="access_denied|x")])
def test_a_deletion_that_stays_unclear_is_never_called_unchanged(
    sleeps: list[float], carried_out: bool | float, second: DigicertError
) -> None:
    service = Service(sleeps)
    service.seed("old")
    service.faults += [(carried_out, LOSSES["page"]), (False, second)]
    with pytest.raises(DigicertError, match="still in the account after 90 seconds; the deletion may still") as caught:
        ensure_present(t.cast(Client, service), AuthKeySpec(), force=True)
    assert (caught.value.changed, sum(sleeps), service.calls.count("POST")) == (True, 90, 0)


@pytest.mark.parametrize("answer", [{"weird": []}, {}, [], "done", 0])
def test_a_deletion_answered_with_something_else_is_looked_at(client: Client, script: Script, answer: t.Any) -> None:
    script.answer(raw("old"))
    script.answer(answer)
    script.answer(raw("old"))
    script.answer(status=204)
    assert ensure_absent(client, auth_key_id="old").changed
    assert [call.partition(" ")[0] for call in script.calls] == ["GET", "DELETE", "GET", "DELETE"]


def test_a_deletion_that_cannot_be_looked_at_is_unknown(sleeps: list[float]) -> None:
    service = Service(sleeps)
    service.seed("old")

    def lose(method: str, path: str, purpose: str, **options: t.Any) -> Response:
        service.reading = LOSSES["page"] if method == "DELETE" else service.reading
        return request(method, path, purpose, **options)

    request, service.request = service.request, lose  # type: ignore[method-assign]
    service.faults.append((True, LOSSES["502"]))
    with pytest.raises(DigicertError, match=re.escape("502. Whether the AuthKey old was deleted is unknown")) as caught:
        ensure_absent(t.cast(Client, service), auth_key_id="old")
    assert caught.value.changed


@pytest.mark.parametrize(
    "failure",
    [RefusedError("no.", http_status=403, code="access_denied|x"), NotSentError("no connection.")],
)
@pytest.mark.parametrize("action", ["delete", "create"])
def test_what_was_certainly_not_done_is_unchanged_and_not_tried_again(
    sleeps: list[float], action: str, failure: DigicertError
) -> None:
    service = Service(sleeps)
    client = t.cast(Client, service)
    if action == "delete":
        service.seed("old")
    service.faults.append((False, failure))
    with pytest.raises(type(failure)) as caught:
        ensure_absent(client, auth_key_id="old") if action == "delete" else ensure_present(client, AuthKeySpec())
    assert (caught.value.changed, service.calls, sleeps) == (
        False,
        ["GET", "DELETE" if action == "delete" else "POST"],
        [],
    )


def test_the_permanent_key_is_deleted_although_the_list_shows_one_that_it_replaced(sleeps: list[float]) -> None:
    service = Service(sleeps, LAG)
    service.keys = {"gone": (None, -1000.0, -1.0), "theirs": (None, -1.0, float("inf"))}
    change = ensure_absent(t.cast(Client, service), permanent=True)
    assert (change.changed, change.before and change.before.auth_key_id) == (True, "theirs")
    assert service.there() == []


def test_a_list_that_always_shows_another_key_ends(sleeps: list[float]) -> None:
    service = Service(sleeps)
    client = t.cast(Client, service)
    request = service.request

    def lie(method: str, *args: t.Any, **options: t.Any) -> t.Any:
        service.keys = {f"k{len(service.calls)}": (None, -1000.0, float("inf") if method == "GET" else -1.0)}
        return request(method, *args, **options)

    service.request = lie  # type: ignore[method-assign]
    with pytest.raises(DigicertError, match="still shows one that does not exist"):
        ensure_absent(client, permanent=True)
    assert sum(sleeps) <= 90
    assert len(service.calls) < 60


def test_a_key_that_somebody_else_has_deleted_is_unchanged_and_not_shown(sleeps: list[float]) -> None:
    service = Service(sleeps, LAG)
    service.keys = {"gone": (None, -1000.0, -1.0)}
    client = t.cast(Client, service)
    assert ensure_absent(client, auth_key_id="gone") == (False, None, None, "")
    assert ensure_absent(client, permanent=True) == (False, None, None, "")
    assert LAG <= sum(sleeps) <= 90
