# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AuthKeys: which one is reused, invalid responses, and lost responses, which neither double nor lose a key."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_key_creation import ensure_present
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import (
    AuthKey,
    AuthKeySpec,
    get_key,
    list_keys,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotSentError,
    RefusedError,
    UnusableResponseError,
)

from tests.support.auth_key_service import LAG, LOSSES, NOW, Service, raw
from tests.support.script import Script

HOUR = 1 / 24


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
    [(0, None), (-1, None), (10**400, None), (5, -0.1), (5, 5.0), (5, 5.1), (5, float("nan")), (5, float("inf"))],
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
            for text in (
                *(EXPIRY + zone for zone in ("+00:00", "Z", "", "+0000", "-00", ".0Z", ".000+00:00", ",000000000Z")),
                *("2025-06-06T20:24:09+02:00", "2025-06-06 18:24:09", "20250606T155409-0230"),
            )
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
                *(EXPIRY + rest for rest in (" UTC", "+24:00", ".", "\n")),
                "0001-01-01T00:00+01:00",
                "2025-W23-5",
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


@pytest.mark.parametrize("code", ["auth_key_not_setup", "not_found"])
def test_older_instance_without_a_key(client: Client, script: Script, code: str) -> None:
    script.answer({"errors": [{"code": "not_found|route", "message": "no route"}]}, status=404)
    script.answer({"errors": [{"code": code, "message": "none"}]}, status=404 if code == "not_found" else 400)
    assert list_keys(client) == []


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


def test_ttl_create_answered_with_a_permanent_key_is_not_believed(client: Client, script: Script) -> None:
    script.answer({"auth_keys": []})
    script.answer(raw("odd"))
    script.answer({"auth_keys": [raw("mine", 30)]})
    change = ensure_present(client, AuthKeySpec.from_options(30, None))
    assert change.after is not None
    assert (change.changed, change.after.auth_key_id) == (True, "mine")


@pytest.mark.parametrize("date", [None, "Mon, 23 Nov 2099 10:00:00 GMT"], ids=["this machine", "the service"])
def test_a_new_key_that_has_expired_is_not_created_again(client: Client, script: Script, date: str | None) -> None:
    headers = {} if date is None else {"Date": date}
    script.answer({"auth_keys": []}, **headers)
    script.answer(raw("odd", -0.1), **headers)
    clock, year = ("this machine", "20") if date is None else ("the service", "2099")
    with pytest.raises(
        DigicertError, match=f"created the AuthKey odd, .* by the clock of {clock} it is {year}"
    ) as caught:
        ensure_present(client, AuthKeySpec.from_options(30, None))
    assert (type(caught.value), caught.value.changed, len(script.calls)) == (DigicertError, True, 2)


@pytest.mark.parametrize(
    ("days", "is_odd"), [(30, False), (30 + HOUR / 2, False), (30.5, True), (9, True), (300, True)]
)
def test_a_new_key_that_the_next_run_would_not_reuse_is_a_warning(
    client: Client, script: Script, days: float, is_odd: bool
) -> None:
    script.answer({"auth_keys": []})
    script.answer(raw("new", days))
    change = ensure_present(client, AuthKeySpec.from_options(30, None))
    script.answer({"auth_keys": [raw("new", days)]})
    assert ensure_present(client, AuthKeySpec.from_options(30, None), dry_run=True).changed == is_odd
    assert ("so later runs create another AuthKey each time" in change.warning) == is_odd
    assert (f"expires at {change.after and change.after.expiration_datetime}, " in change.warning) == is_odd


def test_one_more_expiring_key_replaces_none(sleeps: list[float]) -> None:
    service = Service(sleeps)
    service.seed("old", 30)
    for dry_run in (True, False):
        change = ensure_present(
            t.cast(Client, service), AuthKeySpec.from_options(30, None), force=True, dry_run=dry_run
        )
        assert (change.changed, change.before) == (True, None)


@pytest.mark.parametrize("seen", [["gone"], []], ids=["the list shows the old key", "the list shows none"])
def test_a_rotation_that_another_run_was_faster_with_is_said_to_be_none(sleeps: list[float], seen: list[str]) -> None:
    service = Service(sleeps, LAG)
    service.keys = dict.fromkeys(seen, (None, -1000.0, -1.0))
    service.keys["theirs"] = (None, -1.0, float("inf"))
    with pytest.raises(DigicertError, match=r"another run created the AuthKey theirs at the same time") as caught:
        ensure_present(t.cast(Client, service), AuthKeySpec(), force=True)
    assert (type(caught.value), caught.value.changed) == (DigicertError, False)
    assert service.there() == ["theirs"]


def test_rotation_after_somebody_elses_delete_goes_on(client: Client, script: Script) -> None:
    script.answer({"auth_keys": [raw("old")]})
    script.answer({"errors": [{"code": "not_found", "message": "gone"}]}, status=404)
    script.answer(raw("new"))
    change = ensure_present(client, AuthKeySpec(), force=True)
    assert change.after is not None
    assert change.after.auth_key_id == "new"
