# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client: retries and their timing, what is retried at all, headers, clock, and what errors say."""

from __future__ import annotations

import http.client
import random
import typing as t
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import requests
import urllib3
from ansible_collections.community.digicert.plugins.module_utils._client import Backoff, Client
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._http_errors import transport_error
from urllib3.exceptions import MaxRetryError

from tests.support.script import Script


def error_of(call: t.Callable[[], t.Any]) -> DigicertError:
    with pytest.raises(DigicertError) as caught:
        call()
    return caught.value


def test_request_carries_what_the_api_asks_for_and_reuses_the_connection(client: Client, script: Script) -> None:
    script.answer({"a": [1]})
    script.answer(None, status=204)
    assert client.request("POST", "/x", "test", body={"ü": 1}).payload == {"a": [1]}
    assert client.request("POST", "/y", "test") == (204, None)
    (_ignored, path, headers, body), (_ignored, _ignored, empty_headers, _ignored) = script.requests
    assert (path, body) == ("/x", b'{"\\u00fc": 1}')
    assert headers["X-DC-DEVKEY"] == "the-api-key"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("ansible-collection-community.digicert")
    assert empty_headers["Content-Length"] == "0"
    assert script.connections == 1


def test_backoff_doubles_from_one_second_to_thirty(sleeps: list[float]) -> None:
    backoff = Backoff(1000)
    assert all(backoff.wait() for _ignored in range(8))
    assert sleeps == [1, 2, 4, 8, 16, 30, 30, 30]


def test_backoff_is_fully_jittered(monkeypatch: pytest.MonkeyPatch, sleeps: list[float]) -> None:
    drawn: list[tuple[float, float]] = []
    monkeypatch.setattr(random, "uniform", lambda *limits: (drawn.append(limits), 0.25)[1])
    Backoff(100).wait()
    assert (drawn, sleeps) == ([(0, 1)], [0.25])


def test_under_the_rate_limit_half_of_the_wait_is_random_and_it_doubles_from_five_seconds_to_twenty(
    monkeypatch: pytest.MonkeyPatch, sleeps: list[float]
) -> None:
    backoff = Backoff(1000)
    assert all(backoff.wait(rate_limited=True) for _ignored in range(4))
    monkeypatch.setattr(random, "uniform", lambda low, _high: low)
    backoff.wait(rate_limited=True)
    assert sleeps == [5, 10, 20, 20, 10]


def test_outages_and_the_rate_limit_have_waits_of_their_own(sleeps: list[float]) -> None:
    backoff = Backoff(1000)
    for rate_limited in (False, True, False, True):
        backoff.wait(rate_limited=rate_limited)
    assert sleeps == [1, 5, 2, 10]


def test_under_the_rate_limit_no_wait_exceeds_the_time_that_is_left(sleeps: list[float]) -> None:
    backoff = Backoff(12)
    while backoff.wait(rate_limited=True):
        pass
    assert sleeps == [5, 7]


def test_backoff_uses_its_time_and_then_ends(sleeps: list[float]) -> None:
    backoff = Backoff(10)
    while backoff.wait():
        pass
    assert sleeps == [1, 2, 4, 3]


def test_backoff_of_nothing_never_waits(sleeps: list[float]) -> None:
    assert not Backoff(0).wait()
    assert sleeps == []


def test_backoff_does_not_start_a_wait_that_is_too_long(sleeps: list[float]) -> None:
    assert not Backoff(10).wait(at_least=11)
    assert sleeps == []
    assert Backoff(10).wait(at_least=9.5)
    assert sleeps == [10]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_passing_failures_are_ridden_out(
    client: Client, script: Script, sleeps: list[float], method: str, status: int
) -> None:
    script.answer(status=status)
    script.answer(status=status)
    script.answer({})
    client.request(method, "/x", "test")
    assert (len(script.calls), sleeps) == (3, [5, 10] if status == 429 else [1, 2])


@pytest.mark.parametrize(("status", "tries"), [(429, 2), (502, 1), (503, 1), (504, 1), (500, 1)])
def test_a_post_that_may_have_been_carried_out_is_never_sent_again(
    client: Client, script: Script, sleeps: list[float], status: int, tries: int
) -> None:
    script.answer(status=status)
    script.answer({})
    if tries == 1:
        assert error_of(lambda: client.request("POST", "/x", "test")).lost
    else:
        client.request("POST", "/x", "test")
    assert len(script.calls) == tries
    assert len(sleeps) == tries - 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 418, 500, 501])
def test_refusals_are_final(client: Client, script: Script, sleeps: list[float], status: int) -> None:
    script.answer(status=status)
    assert error_of(lambda: client.request("GET", "/x", "test")).status == status
    assert (len(script.calls), sleeps) == (1, [])


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("7", 7),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("1e9", 0),
        ("in 3 s", 0),
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
    script.answer(status=status, Retry_After=retry_after, Date="Mon, 23 Nov 2026 10:00:00 GMT")
    script.answer({})
    client.request("GET", "/x", "test")
    assert sleeps == [max(wait, least) + spread]


def test_retry_after_beyond_the_allowance_ends_at_once(client: Client, script: Script, sleeps: list[float]) -> None:
    script.answer(status=429, Retry_After="301")
    error = error_of(lambda: client.request("GET", "/x", "test"))
    assert (error.status, error.retry_after, sleeps) == (429, 301, [])


def test_calls_that_belong_together_share_their_allowance(client: Client, script: Script, sleeps: list[float]) -> None:
    shared = client.backoff()
    for _ignored in range(2):
        script.answer(status=503)
        script.answer({})
        client.request("GET", "/x", "test", backoff=shared)
    assert sleeps == [1, 2]


def test_error_after_a_lost_try_says_so(client: Client, script: Script, sleeps: list[float]) -> None:
    script.answer(status=503)
    script.answer({"errors": [{"code": "not_found", "message": "gone"}]}, status=404)
    error = error_of(lambda: client.request("DELETE", "/x", "test"))
    assert (error.not_found, error.after_loss, len(sleeps)) == (True, True, 1)


def test_clock_is_the_services(client: Client, script: Script) -> None:
    assert abs(client.now() - datetime.now(timezone.utc)) < timedelta(seconds=5)
    theirs = datetime.now(timezone.utc) + timedelta(hours=5)
    script.answer({}, Date=format_datetime(theirs, usegmt=True))
    client.request("GET", "/x", "test")
    assert abs(client.now() - theirs) < timedelta(seconds=5)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 23 Nov 99999 10:00:00 GMT"])
def test_clock_is_this_machines_without_a_usable_date(client: Client, script: Script, date: str) -> None:
    script.answer({}, Date=date)
    client.request("GET", "/x", "test")
    assert abs(client.now() - datetime.now(timezone.utc)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"errors": [{"code": "c", "message": "m."}]}, "c", "HTTP 400, c: m)"),
        ({"errors": [{"code": "c"}]}, "c", "HTTP 400, c)"),
        ({"errors": [{"code": 7, "message": "m"}]}, None, '"message": "m"'),
        ({"errors": []}, None, 'HTTP 400: {"errors": []})'),
        ({"message": "m"}, None, 'HTTP 400: {"message": "m"})'),
        (["m"], None, 'HTTP 400: ["m"])'),
        (b"<html><style>a{}</style><h1>Bad\n\x00 gateway</h1>", None, "HTTP 400: Bad gateway)"),
        (b"\xff\xfe", None, "HTTP 400"),
        (b"x" * 5000, None, "x" * 199 + "\u2026)"),
        (None, None, "HTTP 400)"),
    ],
)
def test_errors_show_code_and_what_text_there_is(
    client: Client, script: Script, body: t.Any, code: str | None, text: str
) -> None:
    script.answer(body, status=400)
    error = error_of(lambda: client.request("GET", "/x", "read the thing"))
    assert error.code == code
    assert text in error.message
    assert error.message.startswith(f"Cannot read the thing at {script.url}: ")
    assert error.message.endswith(".")
    assert error.message.isprintable()


def test_api_key_in_an_error_answer_is_not_repeated(client: Client, script: Script) -> None:
    script.answer({"errors": [{"code": "the-api-key", "message": "bad key the-api-key"}]}, status=401)
    error = error_of(lambda: client.request("GET", "/x", "test"))
    assert "the-api-key" not in error.message + str(error) + repr(error) + str(error.code)


def test_api_key_in_the_escapes_of_json_is_not_repeated(client: Client, script: Script) -> None:
    escaped = "".join(f"\\u{ord(character):04x}" for character in "the-api-key")
    script.answer(f'{{"errors": [{{"code": "{escaped}", "message": "bad key {escaped}"}}]}}'.encode(), status=401)
    error = error_of(lambda: client.request("GET", "/x", "test"))
    assert "***: bad key ***" in error.message
    assert "the-api-key" not in error.message + str(error.code)


@pytest.mark.parametrize("header", ["Date", "Retry_After"])
def test_a_date_in_an_impossible_time_zone_is_no_date(client: Client, script: Script, header: str) -> None:
    date = "Mon, 23 Nov 2026 10:00:00 +99999999999999999999"
    script.answer(status=400, **{"Retry_After": "Mon, 23 Nov 2026 10:00:09 GMT", header: date})
    assert error_of(lambda: client.request("GET", "/x", "test")).status == 400


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (500, None, "Try again later."),
        (400, None, "Check api_url, and whether a proxy or gateway answers in place of CertCentral."),
        (400, {"errors": [{"code": "c"}]}, "Correct what it objects to."),
        (404, {"errors": [{"code": "c"}]}, "Check that api_url and api_key belong to the account in question."),
    ],
)
def test_errors_say_what_to_do(client: Client, script: Script, status: int, body: t.Any, advice: str) -> None:
    script.answer(body, status=status)
    assert error_of(lambda: client.request("POST", "/x", "test")).message.endswith(advice)


@pytest.mark.parametrize(
    ("cause", "lost"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), True),
        (http.client.RemoteDisconnected("Remote end closed connection without response"), True),
        (OSError("Tunnel connection failed: 502 Bad Gateway"), False),
        (urllib3.exceptions.NewConnectionError(None, "refused"), False),  # type: ignore[arg-type]
    ],
)
def test_what_breaks_behind_a_proxy_may_have_been_carried_out(cause: Exception, lost: bool) -> None:
    wrapped = urllib3.exceptions.ProxyError("Unable to connect to proxy", cause)
    pool = urllib3.HTTPSConnectionPool("api.example")
    error = transport_error("Where: ", requests.exceptions.ProxyError(MaxRetryError(pool, "/x", wrapped)), 1)
    assert (error.transient, error.lost) == (True, lost)


def test_base_url_is_taken_without_its_last_slash(script: Script) -> None:
    script.answer({})
    Client(f"{script.url}/services/v2/", "k").request("GET", "/x", "test")
    assert script.calls == ["GET /services/v2/x"]


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.8.9.1", "http://[::1]:8080/v2", "HTTPS://h.example"])
def test_accepted_addresses(url: str) -> None:
    assert Client(url, "k").api_url.lower() == url.lower()


@pytest.mark.parametrize("url", ["http://[::2]/", "http://128.0.0.1", "http://0x7f.1", "http://[::1", "https://a b/"])
def test_refused_addresses(url: str) -> None:
    assert error_of(lambda: Client(url, "k")).message.startswith("api_url must")
