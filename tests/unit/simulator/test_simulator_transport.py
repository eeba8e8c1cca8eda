# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Section 1 of the API page: what every request must have, API keys, rate limits; TLS, keep-alive and the log."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path

import pytest
import requests

from tests.simulator import Limit, Simulator
from tests.support.service_calls import Call, error_code, port_of


def raw_request(sim: Simulator, method: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str, bool]:
    """Send exactly these headers; return the status, the error code and whether the connection is to be closed."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(sim.http_url), timeout=10)
    connection.putrequest(method, "/services/v2/account/auth-key", skip_accept_encoding=True)
    for name, value in ({"X-DC-DEVKEY": sim.keys["full"]} | headers).items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    code = json.loads(answer.read()).get("errors", [{"code": ""}])[0]["code"]
    connection.close()
    return answer.status, code, answer.getheader("Connection") == "close"


@pytest.mark.parametrize(
    ("method", "headers", "body", "closed"),
    [
        ("POST", {"User-Agent": "test"}, b"", False),
        ("POST", {"User-Agent": "test", "Content-Length": "none"}, b"", True),
        ("POST", {"User-Agent": "test", "Transfer-Encoding": "chunked"}, b"0\r\n\r\n", True),
    ],
)
def test_request_that_is_not_well_formed(
    sim: Simulator, method: str, headers: dict[str, str], body: bytes, closed: bool
) -> None:
    assert raw_request(sim, method, headers, body) == (400, "bad_request_format", closed)
    assert sim.auth_keys() == []


def test_well_formed_empty_post(sim: Simulator) -> None:
    assert raw_request(sim, "POST", {"Content-Length": "0"}) == (200, "", False)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "access_denied|missing_api_key"),
        ({"X-DC-DEVKEY": ""}, 401, "access_denied|missing_api_key"),
        ({"X-DC-DEVKEY": "wrong"}, 403, "access_denied|access_denied_invalid_key"),
    ],
)
def test_missing_or_invalid_api_key(sim: Simulator, headers: dict[str, str], status: int, code: str) -> None:
    answer = requests.get(sim.http_url + "/account/auth-keys", headers=headers, timeout=10)
    assert (answer.status_code, error_code(answer)) == (status, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/account"), ("PUT", "/account/auth-key"), ("GET", "/account/auth-keys/"), ("GET", "//account/auth-key")],
)
def test_unknown_route(call: Call, method: str, path: str) -> None:
    answer = call(method, path)
    assert answer.status_code == 404
    assert error_code(answer) == "not_found|route"


def test_path_outside_the_api(sim: Simulator) -> None:
    answer = requests.get(
        sim.http_url.replace("/services/v2", "/account/auth-keys"),
        headers={"X-DC-DEVKEY": sim.keys["full"]},
        timeout=10,
    )
    assert (answer.status_code, sim.log[-1].path) == (404, "/account/auth-keys")


def test_rate_limit_refuses_until_the_window_has_room(call: Call, sim: Simulator) -> None:
    sim.set_limits([Limit(100, 60), Limit(3, 0.8)])
    start = time.monotonic()
    assert [call("GET", "/account/auth-keys").status_code for _ignored in range(3)] == [200] * 3
    refused = call("GET", "/account/auth-keys")
    assert (refused.status_code, error_code(refused)) == (429, "request_limit_exceeded")
    assert "Retry-After" not in refused.headers
    assert call("GET", "/account/auth-keys", role="view_only").ok, "windows are per API key"
    while call("GET", "/account/auth-keys").status_code == 429 and time.monotonic() < start + 10:
        time.sleep(0.02)
    assert 0.8 <= time.monotonic() - start < 10, "refused requests must not fill the window"


def test_every_limit_holds(call: Call, sim: Simulator) -> None:
    sim.set_limits([Limit(2, 60), Limit(100, 0.1)], retry_after=True)
    assert [call("GET", "/account/auth-keys").status_code for _ignored in range(3)] == [200, 200, 429]
    assert 55 <= int(call("GET", "/account/auth-keys").headers["Retry-After"]) <= 60


def test_refused_create_makes_nothing(call: Call, sim: Simulator) -> None:
    sim.set_limits([Limit(1, 60)])
    call("GET", "/account/auth-keys")
    assert call("POST", "/account/auth-key").status_code == 429
    assert sim.auth_keys() == []


def test_https_needs_the_simulators_ca(sim: Simulator) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="unable to get local issuer"):
        requests.get(sim.url, verify=True, timeout=10)


def test_https_answers_to_localhost(sim: Simulator) -> None:
    url = sim.url.replace("127.0.0.1", "localhost")
    assert requests.get(url, verify=str(sim.ca_file), timeout=10).status_code == 401


@pytest.mark.parametrize(("kind", "complaint"), [("expired", "expired"), ("wrong-host", "IP address mismatch|doesn't")])
def test_bad_server_certificates(kind: str, complaint: str, tmp_path: Path) -> None:
    with Simulator(certificate=kind, directory=tmp_path) as sim:  # type: ignore[arg-type]
        assert sim.ca_file.parent == tmp_path
        with pytest.raises(requests.exceptions.SSLError, match=complaint):
            requests.get(sim.url, verify=str(sim.ca_file), timeout=10)


def test_connections_are_kept_alive(sim: Simulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(sim.http_url), timeout=10)
    connection.connect()
    local = connection.sock.getsockname()
    for method in ("POST", "GET", "HEAD", "DELETE", "GET"):
        connection.request(method, "/services/v2/account/auth-key", b"ignored", {"X-DC-DEVKEY": sim.keys["full"]})
        connection.getresponse().read()
        assert connection.sock.getsockname() == local
    connection.close()


def test_log_tells_everything_but_the_api_key(call: Call, sim: Simulator) -> None:
    call("POST", "/account/auth-key/7?a=%20b", data=f'{{"note": "{sim.keys["full"]}"}}', headers={"X-Extra": "é"})
    call("GET", f"/account/auth-key/{sim.keys['full']}", role="unknown")
    first, second = sim.log
    assert (first.method, first.path, first.query, first.status) == ("POST", "/account/auth-key/7", "a=%20b", 200)
    assert first.headers["X-Dc-Devkey"] == "full"
    assert first.body == '{"note": "<full>"}'
    assert first.fault is None
    assert (second.number, second.headers["X-Dc-Devkey"], second.status) == (first.number + 1, "unknown", 403)
    assert abs(first.time - time.time()) < 10
    assert not any(key in str(sim.log) for key in sim.keys.values())


def test_log_file_has_a_json_line_per_request(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with Simulator(log_file=file) as sim:
        for _ignored in range(2):
            requests.get(sim.http_url + "/account/auth-keys", timeout=10)
        assert [json.loads(line) for line in file.read_text().splitlines()] == [entry.to_json() for entry in sim.log]
        assert sim.log[0].status == 401


def test_stop_cuts_idle_connections() -> None:
    with Simulator() as simulator:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(simulator.http_url), timeout=10)
        connection.request("GET", "/")
        connection.getresponse().read()
        simulator.stop()
        assert connection.sock.recv(1) == b""
        connection.close()


def test_stop_before_start() -> None:
    simulator = Simulator()
    simulator.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(simulator.http_url, timeout=10)


def test_stop_frees_the_ports_and_the_directory() -> None:
    with Simulator() as first:
        with requests.Session() as idle:
            idle.get(first.http_url, timeout=10)
            port = port_of(first.http_url)
            first.stop()
        with Simulator(http_port=port) as second:
            assert second.http_url == first.http_url
            assert requests.get(second.http_url, timeout=10).status_code == 401
    assert not first.directory.exists()
