# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client: the meaning of responses, what is sent again and when, the service's clock, and error messages."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import typing as t
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral import client as client_module
from ansible_collections.community.digicert.plugins.module_utils._certcentral import errors
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff, Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError

from tests.support.script import Script

DATE = "Mon, 23 Nov 2026 10:00:00 GMT"


def error_of(call: t.Callable[[], t.Any]) -> DigicertError:
    with pytest.raises(DigicertError) as caught:
        call()
    return caught.value


def coded(code: t.Any, message: t.Any = "Text.") -> dict[str, t.Any]:
    return {"errors": [{"code": code, "message": message}]}


def test_request_carries_what_the_api_asks_for_and_reuses_the_connection(client: Client, script: Script) -> None:
    script.answer({"a": [1]})
    script.answer(None, status=204)
    assert client.request("POST", "/x", "test", body={"ü": 1}).payload == {"a": [1]}
    assert client.request("POST", "/y", "test") == (204, None, False)
    (_method, path, headers, body), (_method, _path, empty_headers, _body) = script.requests
    assert (path, body) == ("/x", b'{"\\u00fc": 1}')
    assert headers["X-DC-DEVKEY"] == "the-api-key"
    assert headers["Content-Type"] == "application/json"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["User-Agent"].startswith("ansible-collection-community.digicert")
    assert empty_headers["Content-Length"] == "0"
    assert script.connections == 1


def test_requests_is_loaded_by_the_first_request_or_prepare_and_no_guesser_of_character_sets_with_it() -> None:
    program = f"""
import sys
from {client_module.__name__} import Client
client = Client("https://api.example", "k")
assert not [name for name in sys.modules if name.partition(".")[0] in ("requests", "urllib3")]
client.prepare()
import requests, urllib3
insist = tuple(int(part) for part in requests.__version__.split(".")[:2]) < (2, 32)
loaded = [name for name in sys.modules if name in ("chardet", "charset_normalizer")]
assert bool(loaded) == insist, (loaded, requests.__version__)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, ""),
        ("import urllib3.absent", "ModuleNotFoundError: No module named 'urllib3"),
        ("raise TypeError('\x1b[31mbad')", "TypeError: [31mbad"),
        ("", "AttributeError: "),
        ("(", "SyntaxError: "),
    ],
)
def test_a_library_that_is_missing_or_cannot_be_imported_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, content: str | None, reason: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "requests"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    if content is not None:
        (tmp_path / "requests.py").write_text(content)
    error = error_of(Client("https://api.example", "k").prepare)
    sys.modules.pop("requests", None)  # not what later tests should find
    assert isinstance(error, errors.MissingLibraryError)
    assert (error.library, "Error" in error.traceback, error.message.isprintable()) == ("requests", True, True)
    assert error.reason.startswith(reason)
    assert bool(error.reason) == (content is not None)
    assert error.reason in error.message


@pytest.mark.parametrize(
    ("total", "waits", "slept"),
    [
        (1000, [{}] * 8, [1, 2, 4, 8, 16, 30, 30, 30]),
        (1000, [{"rate_limited": True}] * 4, [5, 10, 20, 20]),
        (1000, [{}, {"rate_limited": True}, {}, {"rate_limited": True}], [1, 5, 2, 10]),
        (12, [{"rate_limited": True}] * 3, [5, 7]),
        (10, [{}] * 5, [1, 2, 4, 3]),
        (0, [{}], []),
        (10, [{"at_least": 11}], []),
        (10, [{"at_least": 9.5}], [10]),
    ],
)
def test_backoff(sleeps: list[float], total: float, waits: list[dict[str, t.Any]], slept: list[float]) -> None:
    backoff = Backoff(total)
    assert sum(backoff.wait(**wait) for wait in waits) == len(slept)
    assert sleeps == slept
    assert backoff.remaining == total - sum(slept)


def test_backoff_is_jittered_and_half_of_it_fixed_under_the_rate_limit(
    monkeypatch: pytest.MonkeyPatch, sleeps: list[float]
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, _high: low)
    backoff = Backoff(100)
    backoff.wait()
    backoff.wait(rate_limited=True)
    assert sleeps == [0, 2.5]


# Status and body, and their meaning: only a 4xx with the documented body is a refusal by the service; after any other
# response, it is unknown whether the request was carried out.
CONCLUSIONS: list[tuple[int, t.Any, type[DigicertError], bool, str | None]] = [
    (400, coded("a"), errors.RefusedError, False, "a"),
    (401, coded("a"), errors.RefusedError, False, "a"),
    (403, coded("access_denied|x"), errors.RefusedError, False, "access_denied|x"),
    (404, coded("not_found|order"), errors.NotFoundError, False, "not_found|order"),
    (404, coded("not_found|route"), errors.NoRouteError, False, "not_found|route"),
    (408, coded("a"), errors.RefusedError, False, "a"),
    (429, coded("request_limit_exceeded"), errors.RateLimitedError, True, "request_limit_exceeded"),
    (500, coded("a"), errors.LostResponseError, False, "a"),
    (503, coded("a"), errors.LostResponseError, True, "a"),
    (502, b"<html>", errors.LostResponseError, True, None),
    (504, None, errors.LostResponseError, True, None),
    (429, b"slow down", errors.UnusableResponseError, True, None),
    *[(s, b"<html>", errors.UnusableResponseError, False, None) for s in (301, 302, 400, 401, 403, 404, 408, 413, 499)],
    *[
        (400, body, errors.UnusableResponseError, False, None)
        for body in (
            coded(7),
            coded(""),
            coded(None),
            {"errors": []},
            {"errors": {"code": "a"}},
            {"error": {"code": "a"}},
            {"error": "a"},
            {"code": "a"},
            [],
            None,
        )
    ],
    (200, coded("a"), errors.UnusableResponseError, False, "a"),
    (200, {"id": 1, "error": {"code": "a"}}, errors.UnusableResponseError, False, None),
    (200, b"<html>", errors.UnusableResponseError, False, None),
    (200, b'{"id": 1', errors.UnusableResponseError, False, None),
    (200, b'{"id": NaN}', errors.UnusableResponseError, False, None),
    (200, b'{"id": ' + b"9" * 100 + b"}", errors.UnusableResponseError, False, None),
    (200, b"[" * 50_000, errors.UnusableResponseError, False, None),
    (999, None, errors.LostResponseError, False, None),
]


@pytest.mark.parametrize(("status", "body", "kind", "transient", "code"), CONCLUSIONS)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_a_response_means_and_whether_it_is_asked_for_again(
    script: Script,
    sleeps: list[float],
    method: str,
    status: int,
    body: t.Any,
    kind: type[DigicertError],
    transient: bool,
    code: str | None,
) -> None:
    client = Client(script.url, "k", retry_timeout=7)
    for _ignored in range(4):
        script.answer(body, status=status)
    error = error_of(lambda: client.request(method, "/x", "test"))
    assert (type(error), error.transient, error.code, error.http_status) == (kind, transient, code, status)
    # A retry is always safe for a GET, and for a POST only if the service itself says that it did nothing.
    again = transient and (method == "GET" or kind is errors.RateLimitedError)
    assert len(script.calls) == 1 + len(sleeps)
    assert bool(sleeps) == again
    assert error.after_loss == (again and kind is not errors.RateLimitedError)


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("7", 7),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("1e9", 0),
        ("9" * 400, 0),
        ("Mon, 23 Nov 2026 10:00:09 GMT", 9),
        ("Mon, 23 Nov 2026 09:00:00 GMT", 0),
        ("Mon, 99 Nov 2026 09:00:00 GMT", 0),
    ],
)
@pytest.mark.parametrize(("status", "least", "spread"), [(503, 0, 1), (429, 2.5, 2.5)])
def test_retry_after_is_the_least_to_wait(
    client: Client,
    script: Script,
    sleeps: list[float],
    retry_after: str,
    wait: float,
    status: int,
    least: float,
    spread: float,
) -> None:
    script.answer(coded("a"), status=status, Retry_After=retry_after, Date=DATE)
    script.answer({})
    client.request("GET", "/x", "test")
    assert sleeps == [max(wait, least) + spread]


def test_retry_after_beyond_the_allowance_ends_at_once(client: Client, script: Script, sleeps: list[float]) -> None:
    script.answer(coded("a"), status=429, Retry_After="301")
    error = error_of(lambda: client.request("GET", "/x", "test"))
    assert (error.http_status, error.retry_after, sleeps) == (429, 301, [])


def test_calls_that_belong_together_share_their_allowance(client: Client, script: Script, sleeps: list[float]) -> None:
    shared = client.backoff()
    for _ignored in range(2):
        script.answer(status=503)
        script.answer({})
        assert client.request("DELETE", "/x", "test", backoff=shared).after_loss
    assert sleeps == [1, 2]


def test_clock_is_the_services_and_runs_on_by_monotonic_time(
    client: Client, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (client.service_time, client.clock_difference) == (None, None)
    assert abs(client.now() - datetime.now(timezone.utc)) < timedelta(seconds=5)
    theirs = datetime.now(timezone.utc) + timedelta(days=300)
    script.answer({}, Date=format_datetime(theirs, usegmt=True))
    for date in ("", "yesterday", "Mon, 23 Nov 99999 10:00:00 GMT", f"{DATE[:-3]}+99999999999999999999"):
        script.answer({}, Date=date)
    for _ignored in range(5):
        client.request("GET", "/x", "test")
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + 3600)
    assert abs(client.now() - theirs - timedelta(hours=1)) < timedelta(seconds=5)
    assert client.clock_difference is not None
    assert abs(client.clock_difference - timedelta(days=300, hours=1)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (coded("c", "m."), "HTTP 400, c: m)"),
        ({"errors": [{"code": "c"}, {"code": "d", "description": "e"}, "f"]}, "HTTP 400, c; d: e; f)"),
        ({"errors": {"code": "c", "message": "m"}}, "HTTP 400: c: m)"),
        ({"error": {"code": "c", "description": "m"}}, "HTTP 400: c: m)"),
        ({"error": "c", "error_description": "m"}, "HTTP 400: c)"),
        ({"message": "m"}, "HTTP 400: m)"),
        ({"errors": []}, 'HTTP 400: {"errors": []})'),
        (["m"], 'HTTP 400: ["m"])'),
        (coded("invalid_value:auth_key", "The field auth_key is missing."), "auth_key: The field auth_key is missing)"),
        (coded("c", "a\x1b[31m\u202eb\n\ud800{}"), "c: a [31m b {})"),
        (b"<html><style>a{}</style><h1>Bad\n\x00 gateway</h1>", "HTTP 400: Bad gateway)"),
        (b"\xff\xfe", "HTTP 400"),
        (b"x" * 5000, "x" * 199 + "\u2026)"),
        (None, "HTTP 400)"),
    ],
)
def test_errors_show_all_that_the_service_says(client: Client, script: Script, body: t.Any, text: str) -> None:
    script.answer(body, status=400)
    error = error_of(lambda: client.request("GET", "/x", "read the thing"))
    assert text in error.message
    assert error.message.startswith(f"Cannot read the thing at {script.url}: ")
    assert error.message.endswith(".")
    assert error.message.isprintable()


@pytest.mark.parametrize(
    ("method", "status", "body", "advice"),
    [
        ("GET", 403, coded("access_denied|access_denied_invalid_key"), "the API key was refused"),
        ("GET", 401, coded("a"), "the API key was refused"),
        ("GET", 403, coded("access_denied|missing_permission"), "Use an API key that is allowed to read"),
        (
            "DELETE",
            403,
            coded("access_denied|missing_permission"),
            "use an API key that is not restricted to View Only.",
        ),
        (
            "GET",
            403,
            b"<h1>Access Denied</h1> by the CDN",
            "proxy, gateway, or firewall answers instead of CertCentral.",
        ),
        ("GET", 404, b"<h1>Not Found</h1>", "proxy, gateway, or firewall answers instead of CertCentral."),
        ("GET", 404, coded("not_found|route"), "Check api_url."),
        ("GET", 404, coded("not_found"), "Check that api_url and api_key belong to the right account."),
        ("GET", 500, None, "Try again later."),
        ("GET", 400, coded("c"), "Correct the reported problem."),
        ("GET", 302, None, "Correct api_url."),
    ],
)
def test_errors_say_what_to_do(
    client: Client, script: Script, method: str, status: int, body: t.Any, advice: str
) -> None:
    script.answer(body, status=status)
    message = error_of(lambda: client.request(method, "/x", "test")).message
    assert advice in message
    assert ("permission" in message) == ("missing_permission" in json.dumps(str(body)))


def test_base_url_is_taken_without_its_last_slash(script: Script) -> None:
    script.answer({})
    Client(f"{script.url}/services/v2/", "k").request("GET", "/x", "test")
    assert script.calls == ["GET /services/v2/x"]


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.8.9.1", "http://[::1]:8080/v2", "HTTPS://h.example"])
def test_accepted_addresses(url: str) -> None:
    assert Client(url, "k").api_url.lower() == url.lower()


@pytest.mark.parametrize(
    "url",
    [
        "http://[::2]/",
        "http://128.0.0.1",
        "http://0x7f.1",
        "http://2130706433",
        "http://[::1",
        "http://host\\[::1]/",
        "http://evil.example\\@127.0.0.1/",
        "http://127.0.0.1\\.evil.example/",
        "https://h.example\\x",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1:80@evil.example/",
        "http://evil.example#@127.0.0.1/",
        "http://evil.example?@127.0.0.1/",
        "http://127.0.0.1%2eevil.example/",
        *("http://[::1%25evil]/", "http://[::1].evil.example/", "http://[::1]evil/"),
        "http://127.0.0.1。evil.example/",
        "http://①27.0.0.1/",
        "http://127.0.0.1\t.evil.example",
        "http://127.0.0.1\n",
        " http://127.0.0.1",
        *(f"http://127.0.0.1:{port}" for port in ("", "0", "65536", "٣")),
        "http:127.0.0.1",
        "http:///127.0.0.1",
        *("http://localhost.evil.example", "http://.localhost"),
        "ftp://127.0.0.1",
        "//127.0.0.1",
        *("https://h.example/a b", "https://h.example/?a=1"),
        "https://u:p@h.example/",
        "",
    ],
)
def test_refused_addresses(url: str) -> None:
    assert error_of(lambda: Client(url, "k")).message.startswith("api_url must ")


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "ä"])
def test_an_api_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    message = error_of(lambda: Client("https://h.example", key)).message
    assert message.startswith("api_key ")
    assert "a b" not in message


@pytest.mark.parametrize("name", ["timeout", "retry_timeout"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 1e10, 10**400])
def test_numbers_that_nobody_can_wait_for_are_refused(name: str, number: float) -> None:
    options: dict[str, t.Any] = {name: number}
    assert error_of(lambda: Client("https://h.example", "k", **options)).message.startswith(f"{name} must ")
