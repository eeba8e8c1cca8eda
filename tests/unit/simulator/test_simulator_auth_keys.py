# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Section 2 of the API page: AuthKeys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
import requests

from tests.simulator import Simulator
from tests.support.service_calls import Call, error_code

NOW = datetime.now(timezone.utc)


def test_permanent_key_is_created_once(call: Call) -> None:
    created = call("POST", "/account/auth-key")
    assert created.status_code == 200
    assert set(created.json()) == {"auth_key_id", "auth_key"}

    again = call("POST", "/account/auth-key")
    assert (again.status_code, error_code(again)) == (400, "auth_key_exists_for_account")
    assert call("GET", "/account/auth-keys").json() == {"auth_keys": [created.json()]}
    assert call("GET", "/account/auth-key").json() == created.json()


def test_ttl_keys_are_created_beside_each_other(call: Call) -> None:
    before = datetime.now(timezone.utc).replace(microsecond=0)
    first, second = (call("POST", f"/account/auth-key/{days}").json() for days in (1, 30))
    assert set(first) == {"auth_key_id", "auth_key", "expiration_datetime"}
    assert first["expiration_datetime"].endswith("+00:00")
    lifetime = datetime.fromisoformat(second["expiration_datetime"]) - before
    assert timedelta(days=30) <= lifetime <= timedelta(days=30, seconds=10)
    assert call("GET", "/account/auth-keys").json() == {"auth_keys": [first, second]}


def test_ttl_key_does_not_stand_in_the_way_of_the_permanent_one(call: Call) -> None:
    call("POST", "/account/auth-key/1")
    assert call("POST", "/account/auth-key").status_code == 200


@pytest.mark.parametrize("days", ["0", "-1", "4000000", "9" * 12, "9" * 5000])
def test_absurd_days_are_a_bad_request(call: Call, sim: Simulator, days: str) -> None:
    answer = call("POST", f"/account/auth-key/{days}")
    assert answer.status_code == 400
    assert sim.auth_keys() == []


@pytest.mark.parametrize("days", ["soon", "1.5", "٣", "1/2"])
def test_days_that_are_no_integer_are_no_route(call: Call, days: str) -> None:
    answer = call("POST", f"/account/auth-key/{days}")
    assert (answer.status_code, error_code(answer)) == (404, "not_found|route")


def test_only_key_needs_exactly_one(call: Call, sim: Simulator) -> None:
    for method in ("GET", "DELETE"):
        assert error_code(call(method, "/account/auth-key")) == "not_found"
    sim.seed_auth_key()
    sim.seed_auth_key(expiration=NOW + timedelta(days=1))
    for method in ("GET", "DELETE"):
        assert call(method, "/account/auth-key").status_code == 400
    assert len(sim.auth_keys()) == 2


def test_inactive_keys_are_found_by_id_only(call: Call, sim: Simulator) -> None:
    expired = sim.seed_auth_key(auth_key_id="old", expiration=datetime(2025, 6, 6, 18, 24, 9, tzinfo=timezone.utc))
    sim.seed_auth_key(auth_key_id="off", enabled=False)
    assert call("GET", "/account/auth-keys").json() == {"auth_keys": []}
    assert call("GET", "/account/auth-key").status_code == 404
    assert call("GET", "/account/auth-key/off").status_code == 200
    assert call("GET", "/account/auth-key/old").json() == {
        "auth_key_id": "old",
        "auth_key": expired.auth_key,
        "expiration_datetime": "2025-06-06T18:24:09+00:00",
    }
    assert call("POST", "/account/auth-key").status_code == 200, "an inactive permanent key is not in use"


def test_expiration_is_shown_in_utc(call: Call, sim: Simulator) -> None:
    zone = timezone(timedelta(hours=2))
    sim.seed_auth_key(auth_key_id="east", expiration=datetime(2025, 6, 6, 20, 24, 9, 999, tzinfo=zone))
    assert call("GET", "/account/auth-key/east").json()["expiration_datetime"] == "2025-06-06T18:24:09+00:00"


def test_delete(call: Call, sim: Simulator) -> None:
    sim.seed_auth_key(auth_key_id="one", auth_key="sécret")
    sim.seed_auth_key(auth_key_id="old", expiration=NOW - timedelta(days=1))
    assert call("DELETE", "/account/auth-key/old").ok
    assert call("DELETE", "/account/auth-key").ok, "expired keys do not count"
    assert sim.auth_keys() == []
    gone = call("DELETE", "/account/auth-key/one")
    assert (gone.status_code, error_code(gone)) == (404, "not_found")


def test_accounts_are_separate(call: Call, sim: Simulator) -> None:
    assert call("POST", "/account/auth-key").ok
    assert call("GET", "/account/auth-keys", role="other_full").json() == {"auth_keys": []}
    assert call("POST", "/account/auth-key", role="other_full").ok
    assert len(sim.auth_keys("main")) == len(sim.auth_keys("other")) == 1


@pytest.mark.parametrize("role", ["view_only", "orders"])
def test_restricted_roles_only_read(call: Call, sim: Simulator, role: str) -> None:
    key = sim.seed_auth_key()
    assert call("GET", "/account/auth-keys", role=role).ok
    for method, path in (
        ("POST", ""),
        ("POST", "/1"),
        ("DELETE", ""),
        ("DELETE", f"/{key.auth_key_id}"),
    ):
        answer = call(method, f"/account/auth-key{path}", role=role)
        assert (answer.status_code, error_code(answer)) == (403, "access_denied|missing_permission")
    assert sim.auth_keys() == [key]


def test_two_hundred_hosts_at_once_create_one_key(sim: Simulator) -> None:
    sim.set_limits([])

    def create(_host: int) -> requests.Response:
        return requests.post(
            sim.url + "/account/auth-key",
            headers={"X-DC-DEVKEY": sim.keys["full"]},
            verify=str(sim.ca_file),
            timeout=30,
        )

    with ThreadPoolExecutor(200) as hosts:
        answers = list(hosts.map(create, range(200)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 199
    assert {error_code(answer) for answer in answers if not answer.ok} == {"auth_key_exists_for_account"}
    assert len(sim.auth_keys()) == 1
    assert [entry.number for entry in sim.log] == sorted({entry.number for entry in sim.log})
