# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: each field of ``Fault`` alone, before or after the change."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.simulator import Fault, Simulator
from tests.support.service_calls import Call

CREATE = ("POST", "/account/auth-key")


def test_fault_is_applied_to_matching_requests_only(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(name="down", method="POST|PUT", path="/auth-key/[0-9]+$", skip=1, times=2, status=503))
    assert call(*CREATE).ok
    assert call("GET", "/account/auth-key/1").status_code == 404
    assert [call("POST", "/account/auth-key/1").status_code for _ignored in range(4)] == [200, 503, 503, 200]
    assert [entry.fault for entry in sim.log] == [None, None, None, "down", "down", None]
    assert sim.faults == []


def test_fault_for_ever_and_cleared(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(times=None, status=500))
    assert {call("GET", "/account/auth-keys").status_code for _ignored in range(5)} == {500}
    sim.clear_faults()
    assert call("GET", "/account/auth-keys").ok


def test_oldest_due_fault_wins(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(skip=1, status=501), Fault(times=2, status=502))
    assert [call("GET", "/account/auth-keys").status_code for _ignored in range(3)] == [502, 501, 502]


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("drop", ["close", "reset"])
def test_drop(sim: Simulator, drop: str, scheme: str, commit: bool) -> None:
    sim.inject(Fault(drop=drop, commit=commit))
    url = (sim.url if scheme == "https" else sim.http_url) + CREATE[1]
    with pytest.raises(requests.ConnectionError) as caught:
        requests.post(url, headers={"X-DC-DEVKEY": sim.keys["full"]}, verify=str(sim.ca_file), timeout=10)
    if scheme == "http":  # through TLS, Python reports a reset as an end of file
        assert ("reset" in str(caught.value)) == (drop == "reset")
    assert len(sim.auth_keys()) == commit
    assert sim.log[-1].status is None


@pytest.mark.parametrize("commit", [False, True])
def test_answer_of_the_fault_hides_what_happened(call: Call, sim: Simulator, commit: bool) -> None:
    sim.inject(Fault(status=502, body="<h1>Bad gateway</h1>", commit=commit))
    answer = call(*CREATE)
    assert (answer.status_code, answer.text) == (502, "<h1>Bad gateway</h1>")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert len(sim.auth_keys()) == commit
    assert sim.log[-1].status == 502


@pytest.mark.parametrize("body", [{"weird": [1]}, [], 7, False, {"auth_key": "€"}])
def test_any_json_body(call: Call, sim: Simulator, body: Any) -> None:
    sim.inject(Fault(body=body))
    answer = call(*CREATE)
    assert (answer.status_code, answer.json()) == (200, body)
    assert answer.headers["Content-Type"] == "application/json"


def test_empty_body(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(status=599))
    answer = call(*CREATE)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (599, b"", "0")


@pytest.mark.parametrize("value", ["7", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_refused_with_retry_after(call: Call, sim: Simulator, value: str) -> None:
    sim.inject(Fault(status=429, headers={"Retry-After": value}))
    answer = call(*CREATE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, value)


def test_redirect(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(status=302, headers={"Location": "https://elsewhere.invalid/"}))
    answer = call(*CREATE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.invalid/")
    assert sim.auth_keys() == []


def test_headers_alone_join_the_real_answer(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(headers={"X-Gateway": "1"}))
    answer = call(*CREATE)
    assert answer.headers["X-Gateway"] == "1"
    assert answer.json()["auth_key"] == sim.auth_keys()[0].auth_key


def test_complete_answer_with_a_cut_body(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(keep=20))
    answer = call(*CREATE)
    assert (answer.status_code, len(answer.content), answer.headers["Content-Length"]) == (200, 20, "20")
    assert len(sim.auth_keys()) == 1


@pytest.mark.parametrize("count", [0, 20])
def test_answer_shorter_than_it_says(call: Call, sim: Simulator, count: int) -> None:
    sim.inject(Fault(close_after=count))
    with pytest.raises(requests.RequestException, match=f"{count} bytes read"):
        call(*CREATE)
    assert len(sim.auth_keys()) == 1
    assert sim.log[-1].status == 200


def test_delay_before_the_change(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(delay_before=60), Fault(delay_before=0.2))
    with pytest.raises(requests.Timeout):
        call(*CREATE, timeout=0.2)
    assert (sim.auth_keys(), sim.log[-1].status) == ([], None)
    start = time.monotonic()
    assert call(*CREATE).ok
    assert time.monotonic() - start >= 0.2


def test_delay_after_the_change(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(delay_after=60))
    with pytest.raises(requests.Timeout):
        call(*CREATE, timeout=0.2)
    deadline = time.monotonic() + 10
    while not sim.auth_keys() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (len(sim.auth_keys()), sim.log[-1].status) == (1, None)


def test_delayed_request_does_not_reach_past_a_reset(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(delay_before=0.3))
    with pytest.raises(requests.Timeout):
        call(*CREATE, timeout=0.1)
    sim.reset()
    time.sleep(0.4)
    assert (sim.auth_keys(), sim.log) == ([], [])


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}])
def test_huge_body(call: Call, sim: Simulator, headers: dict[str, str]) -> None:
    sim.inject(Fault(body="spam ", size=50_000_001, headers=headers))
    answer = call(*CREATE, stream=True)
    assert answer.headers.get("Content-Length") == (None if headers else "50000001")
    assert sum(len(block) for block in answer.iter_content(1 << 20)) == 50_000_001


def test_huge_body_left_unread(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(size=50_000_000))
    call(*CREATE, stream=True).close()
    assert call("GET", "/account/auth-keys").ok


@pytest.mark.parametrize(
    ("fault", "least"), [(Fault(drip_headers=0.002), 0.2), (Fault(body="0123456789", drip_body=0.01), 0.09)]
)
def test_drip(call: Call, sim: Simulator, fault: Fault, least: float) -> None:
    sim.inject(fault)
    start = time.monotonic()
    answer = call(*CREATE)
    assert least <= time.monotonic() - start < 5
    assert answer.ok
    assert answer.text == (fault.body or answer.text)


def test_stop_does_not_wait_for_slow_answers() -> None:
    with Simulator() as sim:
        sim.inject(Fault(delay_before=60), Fault(body="x" * 60, drip_body=1))
        for _ignored in range(2):
            with pytest.raises(requests.RequestException):
                requests.get(sim.http_url, timeout=0.1)
        start = time.monotonic()
    assert time.monotonic() - start < 2


def test_an_answer_with_other_values_and_without_some(call: Call, sim: Simulator) -> None:
    sim.seed_auth_key(auth_key_id="a")
    sim.seed_auth_key(auth_key_id="b")
    edit = {"/auth_keys/0/auth_key_id": [7], "/auth_keys/1/auth_key": None}
    sim.inject(Fault(edit=edit, remove=("/auth_keys/0/auth_key",)), Fault(edit={"": "all"}))
    first, second = call("GET", "/account/auth-keys").json()["auth_keys"]
    assert first["auth_key_id"] == [7]
    assert "auth_key" not in first
    assert (second["auth_key_id"], second["auth_key"]) == ("b", None)
    assert call("GET", "/account/auth-keys").json() == "all"
    assert len(call("GET", "/account/auth-keys").json()["auth_keys"]) == 2
