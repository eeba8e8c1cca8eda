# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AuthKeys: which one is reused, invalid responses, and lost responses, which neither double nor lose a key."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import (
    AuthKey,
    AuthKeySpec,
    ensure_absent,
    ensure_present,
    get_key,
    list_keys,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client, Response
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotSentError,
    RefusedError,
    UnusableResponseError,
)

from tests.support.auth_key_service import NOW, Service, raw
from tests.support.script import Script

HOUR = 1 / 24
LAG = 60.0  # seconds; the longest lag of reads behind writes


def key(name: str, days: float | None) -> AuthKey:
    expires = None if days is None else NOW + timedelta(days=days)
    return AuthKey(name, "secret", None if expires is None else expires.isoformat(), expires)


@pytest.mark.parametrize(
    ("days", "fits"),
    [(9.99, False), (10, True), (29, True), (30, True), (30 + HOUR / 2, True), (30 + 2 * HOUR, False), (-1, False)],
)
def test_ttl_key_fits_between_a_third_and_the_whole_of_its_days(days: float, fits: bool) -> None:
    one = key("k", days)
    assert AuthKeySpec.from_options(30, None).select([one], NOW) == (one if fits else None)


def test_of_several_keys_the_one_that_lives_longest_or_the_permanent_one() -> None:
    keys = [key("a", 12), key("permanent", None), key("b", 28), key("too long", 300), key("c", 20)]
    spec = AuthKeySpec.from_options(30, None)
    assert spec.select(keys, NOW) == spec.select(keys[::-1], NOW) == keys[2]
    assert AuthKeySpec().select(keys, NOW) is keys[1]
    assert AuthKeySpec().select([keys[0]], NOW) is None


@pytest.mark.parametrize(("days", "fits"), [(30, True), (30 - HOUR / 2, True), (29, False), (31, False), (28.9, False)])
def test_a_create_made_the_unknown_key_that_expires_where_it_would(days: float, fits: bool) -> None:
    spec = AuthKeySpec.from_options(30, None)
    assert (spec.select_new([key("k", days)], set(), NOW) is not None) is fits
    assert spec.select_new([key("k", days)], {"k"}, NOW) is None


@pytest.mark.parametrize(
    ("ttl_days", "least"),
    [(0, None), (-1, None), (10**400, None), (5, -0.1), (5, 5.1), (5, float("nan")), (5, float("inf"))],
)
def test_numbers_out_of_range_are_refused(ttl_days: int, least: float | None) -> None:
    with pytest.raises(DigicertError, match="must be from"):
        AuthKeySpec.from_options(ttl_days, least)


EXPIRY = "2025-06-06T18:24:09"
READ = datetime(2025, 6, 6, 18, 24, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("payload", "read"),
    [
        *[
            ({"auth_keys": [{**raw("a"), "expiration_datetime": text}]}, [AuthKey("a", "secret", text, READ)])
            for text in (f"{EXPIRY}+00:00", f"{EXPIRY}Z", EXPIRY, "2025-06-06T20:24:09+02:00")
        ],
        ({"auth_keys": [{**raw("a"), "note": [1]}], "page": {}}, [AuthKey("a", "secret", None, None)]),
        ({"auth_keys": [raw(71)]}, [AuthKey("71", "secret", None, None)]),
        ({"auth_keys": []}, []),
        ({"auth_keys": None}, []),
    ],
)
def test_lists_that_are_read(client: Client, script: Script, payload: t.Any, read: list[AuthKey]) -> None:
    script.answer(payload)
    assert list_keys(client) == read


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        *[
            ({"auth_keys": [{**raw("a"), "expiration_datetime": value}]}, "an expiration_datetime that is not a date")
            for value in (
                "",
                "soon",
                "2025-13-01T00:00:00+00:00",
                5,
                True,
                [],
                {},
                "9" * 5000,
                f"{EXPIRY[:10]}\ud80018:24",
            )
        ],
        *[
            ({"auth_keys": [{**raw("a"), field: value}]}, f"no {field}")
            for field in ("auth_key_id", "auth_key")
            for value in ("", "a\nb", "a\x1b[31m", "\ud800", None, True, [])
        ],
        ({}, "no list auth_keys"),
        ([], "no list auth_keys"),
        (None, "no list auth_keys"),
        ({"auth_keys": {}}, "no list auth_keys"),
        ({"auth_keys": ["a"]}, "no auth_key_id"),
    ],
)
def test_lists_that_are_a_clear_error(client: Client, script: Script, payload: t.Any, problem: str) -> None:
    script.answer(payload)
    with pytest.raises(UnusableResponseError, match=f"contains {problem}") as caught:
        list_keys(client)
    assert "secret" not in str(caught.value)


def test_key_of_another_id_is_no_answer_and_a_number_is_the_id_of_its_digits(client: Client, script: Script) -> None:
    script.answer(raw(71))
    assert get_key(client, "71") is not None
    script.answer(raw("other"))
    with pytest.raises(DigicertError, match="another AuthKey"):
        get_key(client, "mine")


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


@pytest.mark.parametrize("code", ["auth_key_not_setup", "not_found"])
def test_older_instance_without_a_key(client: Client, script: Script, code: str) -> None:
    script.answer({"errors": [{"code": "not_found|route", "message": "no route"}]}, status=404)
    script.answer({"errors": [{"code": code, "message": "none"}]}, status=404 if code == "not_found" else 400)
    assert list_keys(client) == []


LOSSES = {
    "broken": LostResponseError("broken.", transient=True),
    "silent": LostResponseError("silent.", silent=True),
    "page": UnusableResponseError("page.", http_status=200),
    "forbidden page": UnusableResponseError("page.", http_status=403),
    "502": LostResponseError("502.", http_status=502, transient=True),
}


@pytest.mark.parametrize("lag", [0.0, LAG])
@pytest.mark.parametrize("carried_out", [True, False, 20.0], ids=["carried out", "not carried out", "carried out late"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("force", [False, True], ids=["create", "rotate"])
def test_the_permanent_key_is_created_once_whatever_becomes_of_the_response(
    sleeps: list[float], lag: float, carried_out: bool | float, loss: str, force: bool
) -> None:
    service = Service(sleeps, lag)
    if force:
        service.seed("old")
        service.faults.append((True, None))
    service.faults.append((carried_out, LOSSES[loss]))
    change = ensure_present(t.cast(Client, service), AuthKeySpec(), force=force)
    sleeps.append(1000)
    assert change.after is not None
    assert service.there() == [change.after.auth_key_id] != ["old"]
    assert change.changed


@pytest.mark.parametrize(
    ("carried_out", "loss"),
    # A key that appears later is one more, which is harmless; the module waits only for a silent service.
    [(45.0, "silent"), *[(done, loss) for done in (True, False) for loss in LOSSES]],
)
def test_an_expiring_key_is_created_once_where_the_list_shows_it_in_time(
    sleeps: list[float], carried_out: bool | float, loss: str
) -> None:
    service = Service(sleeps)
    service.seed("other", 30)
    service.faults.append((carried_out, LOSSES[loss]))
    change = ensure_present(t.cast(Client, service), AuthKeySpec.from_options(30, None), force=True)
    sleeps.append(1000)
    assert change.after is not None
    assert service.there() == ["other", change.after.auth_key_id]


def test_a_faster_run_is_no_error_although_the_list_lags(sleeps: list[float]) -> None:
    service = Service(sleeps, LAG)
    service.keys["theirs"] = (None, 0.0, float("inf"))
    change = ensure_present(t.cast(Client, service), AuthKeySpec())
    assert (change.changed, change.after and change.after.auth_key_id) == (False, "theirs")
    assert sum(sleeps) < 91


def test_an_existing_key_that_the_list_never_shows_is_a_clear_failure(sleeps: list[float]) -> None:
    service = Service(sleeps, 10**6)
    service.keys["theirs"] = (None, 0.0, float("inf"))
    with pytest.raises(RefusedError, match="not shown a new permanent AuthKey for 90 seconds") as caught:
        ensure_present(t.cast(Client, service), AuthKeySpec())
    assert (caught.value.changed, sum(sleeps)) == (False, 90)


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


def test_rotation_that_cannot_create_says_that_the_old_key_is_gone(sleeps: list[float]) -> None:
    service = Service(sleeps)
    service.seed("old")
    service.faults += [
        (True, None),
        (False, RefusedError("No more keys.", http_status=403, code="access_denied|quota")),
    ]
    with pytest.raises(
        RefusedError, match=r"AuthKey old was deleted, but its replacement was not.*No more keys"
    ) as caught:
        ensure_present(t.cast(Client, service), AuthKeySpec(), force=True)
    assert (caught.value.changed, caught.value.code) == (True, "access_denied|quota")


@pytest.mark.parametrize("second", [NotSentError("down."), RefusedError("no.", http_status=403, code="c")])
def test_a_failure_after_a_lost_create_is_not_called_unchanged(sleeps: list[float], second: DigicertError) -> None:
    service = Service(sleeps)
    service.faults += [(20.0, LOSSES["broken"]), (False, second)]
    with pytest.raises(type(second), match="An earlier try may still have created the AuthKey") as caught:
        ensure_present(t.cast(Client, service), AuthKeySpec.from_options(30, None))
    assert caught.value.changed


@pytest.mark.parametrize(("loss", "seconds", "posts"), [("502", 300, 4), ("page", 3, 2)])
def test_a_service_that_is_down_for_good_is_left(sleeps: list[float], loss: str, seconds: float, posts: int) -> None:
    service = Service(sleeps)
    service.faults += [(False, LOSSES[loss])] * 100
    with pytest.raises(LostResponseError, match="The account's list does not show a new AuthKey yet") as caught:
        ensure_present(t.cast(Client, service), AuthKeySpec.from_options(30, None))
    assert caught.value.changed
    assert sum(sleeps) == seconds
    assert service.calls.count("POST") >= posts


@pytest.mark.parametrize("days", [None, -0.1])
def test_ttl_create_answered_with_a_key_that_cannot_be_meant_is_not_believed(
    client: Client, script: Script, days: float | None
) -> None:
    script.answer({"auth_keys": []})
    script.answer(raw("odd", days))
    script.answer({"auth_keys": [raw("mine", 30)]})
    change = ensure_present(client, AuthKeySpec.from_options(30, None))
    assert change.after is not None
    assert (change.changed, change.after.auth_key_id) == (True, "mine")


def test_rotation_after_somebody_elses_delete_goes_on(client: Client, script: Script) -> None:
    script.answer({"auth_keys": [raw("old")]})
    script.answer({"errors": [{"code": "not_found", "message": "gone"}]}, status=404)
    script.answer(raw("new"))
    change = ensure_present(client, AuthKeySpec(), force=True)
    assert change.after is not None
    assert change.after.auth_key_id == "new"
