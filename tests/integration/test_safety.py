# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Safety: bad input, hostile networks, and invalid responses lead to one clear sentence, and secrets do not leak."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Fault, Simulator
from tests.support.calls import calls
from tests.support.playbooks import Ansible, Run, TaskResult

MODULE = "community.digicert.digicert_auth_key"
INFO = "community.digicert.digicert_auth_key_info"
SECRET = "SECRET-key-0123456789"  # appears only if it leaks


def failure_of(run: Run | TaskResult, *words: str) -> TaskResult:
    """Return the failed task, after checks for every failure: one sentence, no traceback, no secret."""
    task, output = (run.last, run.output) if isinstance(run, Run) else (run, str(run.result))
    assert task.outcome == "failed", output
    assert task.msg.endswith("."), task.msg
    assert "\n" not in task.msg
    for word in words:
        assert word in task.msg
    assert "Traceback" not in output
    assert SECRET not in output
    return task


def test_bad_input_is_refused_before_any_request(simulator: Simulator, ansible: Ansible) -> None:
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "empty key": ({"api_key": ""}, "api_key is empty"),
        "blank key": ({"api_key": " \t"}, "api_key is empty"),
        "key with line end": ({"api_key": SECRET + "\n"}, "api_key contains whitespace"),
        "key that is no header": ({"api_key": SECRET + "\u20ac"}, "api_key contains whitespace"),
        "no scheme": ({"api_url": "www.digicert.com/services/v2"}, "scheme and host"),
        "no host": ({"api_url": "https:///services/v2"}, "scheme and host"),
        "empty URL": ({"api_url": ""}, "scheme and host"),
        "other scheme": ({"api_url": "ftp://www.digicert.com/"}, "scheme and host"),
        "no port": ({"api_url": "https://127.0.0.1:99999/"}, "scheme and host"),
        "line end in URL": ({"api_url": simulator.url + "\n"}, "scheme and host"),
        "password in URL": ({"api_url": f"https://user:{SECRET}@127.0.0.1/"}, "must not contain a user name, password"),
        "query in URL": ({"api_url": f"{simulator.url}?key={SECRET}"}, "must not contain a user name, password"),
        "plain http": ({"api_url": "http://192.0.2.1/services/v2"}, "must start with https://"),
        "loopback look-alike": ({"api_url": "http://127.0.0.1.example.com/"}, "must start with https://"),
        "another parser's loopback": ({"api_url": "http://host\\[::1]/"}, "scheme and host"),
        "no days": ({"ttl_days": 0}, "ttl_days must be from 1"),
        "negative days": ({"ttl_days": -5}, "ttl_days must be from 1"),
        "days in words": ({"ttl_days": "ten"}, "ttl_days"),
        "min without ttl": ({"min_remaining_days": 3}, "ttl_days"),
        "min not below ttl": ({"ttl_days": 3, "min_remaining_days": 3}, "min_remaining_days must be from"),
        "negative min": ({"ttl_days": 3, "min_remaining_days": -1}, "min_remaining_days must be from"),
        "min no number": ({"ttl_days": 3, "min_remaining_days": "nan"}, "min_remaining_days must be from"),
        "id with present": ({"auth_key_id": "abc"}, "only be used with state=absent"),
        "ttl with absent": ({"state": "absent", "ttl_days": 3}, "cannot be used with state=absent"),
        "empty id": ({"state": "absent", "auth_key_id": ""}, "auth_key_id must not be empty"),
        "nothing to delete": ({"state": "absent"}, "auth_key_id must not be empty"),
        "empty id and permanent": (
            {"state": "absent", "auth_key_id": "", "permanent": True},
            "cannot be used together",
        ),
        "permanent with present": ({"permanent": True}, "can only be used with state=absent"),
        "id that is a path": ({"state": "absent", "auth_key_id": "../auth-keys"}, "is not the id of an AuthKey"),
        "id that is this path": ({"state": "absent", "auth_key_id": "."}, "is not the id of an AuthKey"),
        "no timeout": ({"timeout": 0}, "timeout must be"),
        "endless timeout": ({"timeout": "inf"}, "timeout must be"),
        "negative retry": ({"retry_timeout": -1}, "retry_timeout must be"),
        "no CA": ({"ca_path": "/nonexistent/ca.pem"}, "ca_path is /nonexistent/ca.pem,"),
    }
    tasks = [
        {"name": name, MODULE: {"api_key": SECRET, **args}, "ignore_errors": True}
        for name, (args, _ignored) in cases.items()
    ]
    run = ansible.play(tasks)
    assert "Traceback" not in run.output
    for name, (args, words) in cases.items():
        [task] = run.of(name)
        assert task.outcome == "failed", name
        assert words in task.msg, name
        assert "\n" not in task.msg
        if args.get("api_key", SECRET) == SECRET:
            assert SECRET not in task.msg
    assert simulator.log == []


def test_missing_api_key_is_named(ansible: Ansible) -> None:
    del ansible.env["DIGICERT_API_KEY"]
    assert "api_key" in ansible.module(MODULE).msg
    failure_of(
        ansible.module(MODULE, DIGICERT_API_KEY=""), "api_key is empty", "dv_certificate_api_key", "DIGICERT_API_KEY"
    )


def test_redirects_are_not_followed(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(status=307, headers={"Location": f"{simulator.http_url}/account/elsewhere?t={SECRET}"}))
    task = failure_of(
        ansible.module(MODULE), f"redirects to {simulator.http_url}/account/elsewhere (", "does not follow"
    )
    assert task.result["http_status"] == 307
    assert len(simulator.log) == 1


def test_refused_key(simulator: Simulator, ansible: Ansible) -> None:
    task = failure_of(
        ansible.module(MODULE, {"api_key": simulator.keys["unknown"]}), "API key was refused", "Check api_key"
    )
    assert task.result["http_status"] == 403
    assert task.result["code"].startswith("access_denied|")
    assert len(simulator.log) == 1


@pytest.mark.parametrize(
    "args", [{}, {"ttl_days": 3}, {"state": "absent", "permanent": True}], ids=["create", "create TTL", "delete"]
)
def test_key_without_permission(simulator: Simulator, ansible: Ansible, args: dict[str, Any]) -> None:
    if args.get("state"):
        simulator.seed_auth_key()
    args["api_key"] = simulator.keys["view_only"]
    task = failure_of(ansible.module(MODULE, args), "lacks the permission", "not restricted to View Only")
    assert (task.result["http_status"], task.result["code"]) == (403, "access_denied|missing_permission")


def test_wrong_path_says_to_check_api_url(simulator: Simulator, ansible: Ansible) -> None:
    task = ansible.module(MODULE, {"api_url": simulator.url.replace("v2", "v3")})
    task = failure_of(task, "Cannot list the AuthKeys", "Check api_url")
    assert (task.result["http_status"], task.result["code"]) == (404, "not_found|route")


def test_a_gateways_404_is_not_taken_for_an_absent_key(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(status=404, body="<html><body>No such site</body></html>"))
    failure_of(ansible.module(MODULE, {"state": "absent", "auth_key_id": "abc"}), "No such site", "Check api_url")


ODD_ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "HTML": ({"body": "<html><script>x()</script>Please log in</html>"}, "is not JSON"),
    "no body": ({"body": ""}, "contains no list auth_keys"),
    "cut JSON": ({"keep": 40}, "is not JSON, or is incomplete"),
    "a list": ({"body": [1, 2]}, "contains no list auth_keys"),
    "expiry that is no date": (
        {"body": {"auth_keys": [{"auth_key_id": "x", "auth_key": SECRET, "expiration_datetime": "never"}]}},
        "expiration_datetime that is not a date",
    ),
    "deeply nested JSON": ({"body": "[" * 200_000}, "is not JSON"),
    "50 MB": ({"size": 50_000_000}, "larger than 4 MiB"),
    "endless body without length": ({"size": 50_000_000, "headers": {"Transfer-Encoding": "chunked"}}, "larger than"),
    "body with the key": ({"status": 500, "body": f'{{"debug": "X-DC-DEVKEY: {SECRET}"}}'}, "X-DC-DEVKEY: ***"),
    "error with an AuthKey": (
        {"status": 500, "body": f'{{"auth_key": "{SECRET}2"}}'},
        'HTTP 500: {"auth_key": "***"})',
    ),
    "error page": ({"status": 500, "body": "<h1>Oops</h1>\n<p>Reference 42</p>"}, "(HTTP 500: Oops Reference 42)"),
    "error of another shape": ({"status": 400, "body": {"error": {"detail": "bad"}}}, "(HTTP 400: bad)"),
    "error without text": ({"status": 418, "body": ""}, "(HTTP 418)"),
}


def test_odd_answers(simulator: Simulator, ansible: Ansible) -> None:
    simulator.seed_auth_key("other", auth_key=SECRET + "-as-auth-key")
    tasks: list[dict[str, Any]] = []
    for odd, (fault, _words) in ODD_ANSWERS.items():
        simulator.inject(Fault(name=odd, method="GET", **fault))
        # If the fault changes the service's own response, the service must know the API key.
        own = {"api_key": simulator.keys["other_full"]} if {"keep", "close_after"} & fault.keys() else {}
        tasks.append({"name": odd, MODULE: {"retry_timeout": 0, **own}, "ignore_errors": True})
    run = ansible.play(tasks, "-vvv", DIGICERT_API_KEY=SECRET)
    assert [(entry.method, entry.fault) for entry in simulator.log] == [("GET", odd) for odd in ODD_ANSWERS]
    assert "Traceback" not in run.output
    assert SECRET not in run.output
    for odd, (_fault, words) in ODD_ANSWERS.items():
        [task] = run.of(odd)
        assert task.outcome == "failed", odd
        assert words in task.msg, odd
        assert task.msg.endswith("."), odd
        assert "\n" not in task.msg, odd


def test_slow_server_is_left_within_timeout(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(times=None, drip_headers=1.0))
    task = failure_of(ansible.module(MODULE, {"timeout": 2}), "no complete response within 2 seconds")
    assert 2 <= task.seconds < 25
    assert len(simulator.log) == 1


def test_unreachable_service_is_tried_for_retry_timeout(ansible: Ansible) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{nobody_listens.getsockname()[1]}/services/v2"
        task = ansible.module(MODULE, {"api_url": url, "retry_timeout": 4})
        assert 4 <= failure_of(task, "no connection (Connection refused)").seconds < 30


def test_retry_after_beyond_retry_timeout_ends_at_once(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(status=429, headers={"Retry-After": "3600"}, times=None))
    task = failure_of(ansible.module(MODULE), "rate limit")
    assert task.seconds < 25
    assert task.result["http_status"] == 429


def test_expired_certificate_is_refused_unless_certificates_are_not_validated(ansible: Ansible) -> None:
    with Simulator(certificate="expired") as other:
        args = {"api_url": other.url, "ca_path": str(other.ca_file)}
        failure_of(ansible.module(MODULE, args), "TLS certificate is not accepted", "certificate has expired")
        assert other.log == []
        assert ansible.module(MODULE, {**args, "validate_certs": False}).outcome == "ok"


@pytest.mark.smoke
def test_unknown_ca_is_refused_and_ca_path_accepts_it(simulator: Simulator, ansible: Ansible) -> None:
    del ansible.env["REQUESTS_CA_BUNDLE"]
    failure_of(ansible.adhoc(MODULE), "TLS certificate is not accepted", "ca_path")
    assert simulator.log == []
    assert ansible.adhoc(MODULE, {"ca_path": str(simulator.ca_file)}).last.outcome == "ok"


def test_ca_path_that_holds_no_certificate(ansible: Ansible, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate\n")
    failure_of(ansible.module(MODULE, {"ca_path": str(tmp_path / "ca.pem")}), "ca_path")


def test_https_to_a_port_that_speaks_http(simulator: Simulator, ansible: Ansible) -> None:
    failure_of(ansible.module(MODULE, {"api_url": simulator.http_url.replace("http:", "https:")}), "TLS failed")


def test_netrc_is_not_consulted(simulator: Simulator, ansible: Ansible) -> None:
    netrc = ansible.home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    netrc.chmod(0o600)
    assert ansible.module(MODULE).outcome == "ok"
    assert all("Authorization" not in entry.headers for entry in simulator.log)


class Proxy:
    """A proxy that records requests, refuses them, and closes the connection."""

    def __init__(self) -> None:
        self.seen = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ignored = self._socket.accept()
            with connection:
                self.seen += connection.recv(65536)
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.smoke
def test_proxy_variables_are_honoured_and_the_proxy_never_sees_the_key(simulator: Simulator, ansible: Ansible) -> None:
    proxy = Proxy()
    environment = {"HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url, "DIGICERT_API_KEY": SECRET, "NO_PROXY": ""}
    run = ansible.adhoc(MODULE, {"retry_timeout": 0}, **environment)
    failure_of(run, "the proxy cannot be used", "407")
    assert proxy.seen.startswith(b"CONNECT 127.0.0.1:")
    assert SECRET.encode() not in proxy.seen
    assert simulator.log == []
    assert ansible.adhoc(MODULE, HTTPS_PROXY=proxy.url, NO_PROXY="127.0.0.1").last.outcome == "ok"


def test_plain_http_never_goes_through_a_proxy(simulator: Simulator, ansible: Ansible) -> None:
    proxy = Proxy()
    task = ansible.module(MODULE, {"api_url": simulator.http_url}, HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url)
    assert task.outcome == "ok"
    assert proxy.seen == b""
    assert len(simulator.log) == 2


def test_requests_are_well_formed_and_reuse_the_connection(simulator: Simulator, ansible: Ansible) -> None:
    ansible.module(MODULE)
    get, post = simulator.log
    assert calls(simulator) == ["GET /account/auth-keys", "POST /account/auth-key"]
    for entry in (get, post):
        assert entry.headers["User-Agent"].startswith("ansible-collection-community.digicert")
        assert entry.headers["X-Dc-Devkey"] == "full"
        assert entry.query == ""
    assert post.headers["Content-Length"] == "0"


def test_missing_requests_library_is_named(ansible: Ansible, tmp_path: Path) -> None:
    shadow = tmp_path / "shadow" / "requests.py"
    shadow.parent.mkdir()
    shadow.write_text("raise ImportError('No module named requests')\n")
    task = ansible.adhoc(MODULE, {}, PYTHONPATH=str(shadow.parent)).last
    assert task.outcome == "failed"
    assert "requests" in task.msg
    assert "Failed to import the required Python library" in task.msg


@pytest.mark.smoke
def test_no_secret_in_verbose_output_of_any_outcome(simulator: Simulator, ansible: Ansible) -> None:
    first = simulator.seed_auth_key()
    tasks: list[dict[str, Any]] = [
        {"name": "reuse", MODULE: {}, "no_log": True},
        {"name": "list", INFO: {}, "no_log": True},
        {"name": "use", "ansible.builtin.debug": {"msg": "{{ ansible_facts.digicert_auth_key.auth_key_id }}"}},
        {"name": "rotate", MODULE: {"force": True}, "no_log": True},
        {"name": "refuse", MODULE: {"ttl_days": 0}, "ignore_errors": True},
        {"name": "forbid", MODULE: {"api_url": simulator.url + "/no"}, "ignore_errors": True},
        {"name": "remove", MODULE: {"state": "absent", "auth_key_id": "unknown"}},
    ]
    run = ansible.play(tasks, "-vvvv", "--diff")
    assert run.rc == 0, run.output
    assert first.auth_key_id in run.output
    [second] = simulator.auth_keys()
    for secret in (first.auth_key, second.auth_key, *simulator.keys.values()):
        assert secret not in run.output
