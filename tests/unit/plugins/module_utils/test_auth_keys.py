# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decisions about AuthKeys: which one fits, what a create can have made, what an answer must hold."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.community.digicert.plugins.module_utils._auth_keys import (
    AuthKey,
    Wanted,
    ensure_absent,
    ensure_present,
    get_key,
    list_keys,
)
from ansible_collections.community.digicert.plugins.module_utils._client import Client
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

from tests.support.script import Script

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
HOUR = 1 / 24


def key(name: str, days: float | None) -> AuthKey:
    expires = None if days is None else NOW + timedelta(days=days)
    return AuthKey(name, "secret", None if expires is None else expires.isoformat(), expires)


def raw(name: str, days: float | None = None) -> dict[str, str]:
    value = {"auth_key_id": name, "auth_key": "secret"}
    if days is not None:
        value["expiration_datetime"] = (datetime.now(timezone.utc) + timedelta(days=days)).isoformat()
    return value


@pytest.mark.parametrize(
    ("days", "fits"),
    [(9.99, False), (10, True), (29, True), (30, True), (30 + HOUR / 2, True), (30 + 2 * HOUR, False), (-1, False)],
)
def test_ttl_key_fits_between_a_third_and_the_whole_of_its_days(days: float, fits: bool) -> None:
    one = key("k", days)
    assert Wanted.of(30, None).best([one], NOW) == (one if fits else None)


def test_the_longest_living_key_is_the_best_whatever_the_order() -> None:
    keys = [key("a", 12), key("permanent", None), key("b", 28), key("too long", 300), key("c", 20)]
    assert Wanted.of(30, None).best(keys, NOW) == Wanted.of(30, None).best(keys[::-1], NOW) == keys[2]


def test_permanent_key_is_the_one_without_expiry() -> None:
    permanent = key("p", None)
    assert Wanted().best([key("a", 9999), permanent], NOW) is permanent
    assert Wanted().best([key("a", 9999)], NOW) is None


@pytest.mark.parametrize(("days", "fits"), [(30, True), (30 - HOUR / 2, True), (29, False), (31, False), (28.9, False)])
def test_a_create_made_the_key_that_expires_where_it_would(days: float, fits: bool) -> None:
    assert (Wanted.of(30, None).fresh([key("k", days)], NOW) is not None) is fits


@pytest.mark.parametrize(
    ("ttl_days", "least"), [(0, None), (-1, None), (5, -0.1), (5, 5.1), (5, float("nan")), (5, float("inf"))]
)
def test_numbers_out_of_range_are_refused(ttl_days: int, least: float | None) -> None:
    with pytest.raises(DigicertError):
        Wanted.of(ttl_days, least)


@pytest.mark.parametrize(
    "text",
    ["2025-06-06T18:24:09+00:00", "2025-06-06T18:24:09Z", "2025-06-06T18:24:09", "2025-06-06T20:24:09+02:00"],
)
def test_expiry_is_kept_as_given_and_read_as_utc(client: Client, script: Script, text: str) -> None:
    script.answer({"auth_keys": [{"auth_key_id": "a", "auth_key": "b", "expiration_datetime": text}]})
    [read] = list_keys(client)
    assert read.expiration_datetime == text
    assert read.expires == datetime(2025, 6, 6, 18, 24, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize("expiry", ["", "soon", "2025-13-01T00:00:00+00:00", 5, True, [], {}, "9" * 5000])
def test_expiry_that_is_no_date_is_a_clear_error(client: Client, script: Script, expiry: t.Any) -> None:
    script.answer({"auth_keys": [{"auth_key_id": "a", "auth_key": "secret", "expiration_datetime": expiry}]})
    with pytest.raises(DigicertError, match="an expiration_datetime that is no date") as caught:
        list_keys(client)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("field", ["auth_key_id", "auth_key"])
@pytest.mark.parametrize("text", ["", "a\nb", "a\x1b[31m", "\ud800"])
def test_a_key_that_is_no_plain_text_is_a_clear_error(client: Client, script: Script, field: str, text: str) -> None:
    script.answer({"auth_keys": [{"auth_key_id": "a", "auth_key": "k", field: text}]})
    with pytest.raises(DigicertError, match=f"holds no {field}"):
        list_keys(client)


def test_new_fields_in_the_answer_do_no_harm(client: Client, script: Script) -> None:
    script.answer({"auth_keys": [{**raw("a"), "note": [1]}], "page": {}})
    assert [one.auth_key_id for one in list_keys(client)] == ["a"]


def test_key_of_another_id_is_no_answer(client: Client, script: Script) -> None:
    script.answer(raw("other"))
    with pytest.raises(DigicertError, match="another AuthKey"):
        get_key(client, "mine")


@pytest.mark.parametrize("auth_key_id", ["", " ", ".", "..", "a/b", "a?b", "a#b", "%2e", "a b", "ä", "a\n"])
def test_an_id_that_could_be_another_path_is_never_sent(client: Client, script: Script, auth_key_id: str) -> None:
    with pytest.raises(DigicertError, match="no id of an AuthKey"):
        ensure_absent(client, auth_key_id)
    assert script.calls == []


def test_ttl_create_answered_with_a_permanent_key_is_not_believed(client: Client, script: Script) -> None:
    script.answer({"auth_keys": []})
    script.answer(raw("odd"))
    script.answer({"auth_keys": [raw("mine", 30)]})
    outcome = ensure_present(client, Wanted.of(30, None))
    assert outcome.after is not None
    assert (outcome.changed, outcome.after.auth_key_id) == (True, "mine")


@pytest.mark.usefixtures("sleeps")
def test_create_that_was_lost_and_then_refused_as_existing_was_ours(client: Client, script: Script) -> None:
    script.answer({"auth_keys": []})
    script.answer(status=503)
    script.answer({"auth_keys": []})
    script.answer({"errors": [{"code": "auth_key_exists_for_account", "message": "exists"}]}, status=400)
    script.answer({"auth_keys": [raw("mine")]})
    outcome = ensure_present(client, Wanted())
    assert outcome.changed
    assert script.calls[1::2] == ["POST /account/auth-key"] * 2


def test_a_service_that_is_down_for_good_is_left_after_the_allowance(
    client: Client, script: Script, sleeps: list[float]
) -> None:
    script.answer({"auth_keys": []})
    for _ignored in range(40):
        script.answer(status=503)
        script.answer({"auth_keys": []})
    with pytest.raises(DigicertError, match="No new AuthKey is in the account's list"):
        ensure_present(client, Wanted.of(30, None))
    assert sum(sleeps) == 300


def test_rotation_after_somebody_elses_delete_goes_on(client: Client, script: Script) -> None:
    script.answer({"auth_keys": [raw("old")]})
    script.answer({"errors": [{"code": "not_found", "message": "gone"}]}, status=404)
    script.answer(raw("new"))
    outcome = ensure_present(client, Wanted(), force=True)
    assert outcome.after is not None
    assert outcome.after.auth_key_id == "new"


@pytest.mark.parametrize("gone", [True, False])
def test_delete_that_is_answered_with_a_text(client: Client, script: Script, gone: bool) -> None:
    script.answer(raw("old"))
    script.answer(b"Deleted, or is it a login page?")
    if gone:
        script.answer({"errors": [{"code": "not_found", "message": "gone"}]}, status=404)
    else:
        script.answer(raw("old"))
    if gone:
        assert ensure_absent(client, "old").changed
    else:
        with pytest.raises(DigicertError, match=r"Cannot delete the AuthKey old .* is not JSON"):
            ensure_absent(client, "old")


@pytest.mark.parametrize("code", ["auth_key_not_setup", "not_found"])
def test_older_instance_without_a_key(client: Client, script: Script, code: str) -> None:
    status = 404 if code == "not_found" else 400
    script.answer({"errors": [{"code": "not_found|route", "message": "no route"}]}, status=404)
    script.answer({"errors": [{"code": code, "message": "none"}]}, status=status)
    assert list_keys(client) == []


@pytest.mark.usefixtures("sleeps")
def test_a_key_that_was_there_before_is_never_taken_for_the_new_one(client: Client, script: Script) -> None:
    old, new = raw("old", 30), raw("new", 30)
    script.answer({"auth_keys": [old]})
    script.answer(status=503)
    script.answer({"auth_keys": [old]})
    script.answer(new)
    outcome = ensure_present(client, Wanted.of(30, None), force=True)
    assert outcome.after is not None
    assert outcome.after.auth_key_id == "new"
