# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""digicert_dcv_check over HTTP: real servers on loopback, with and without TLS, and what DigiCert would see."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
import time
import typing as t
from http.server import ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.community.digicert.plugins.module_utils._dcv import looks, web
from ansible_collections.community.digicert.plugins.module_utils._dcv.time_limits import TimeLimit
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import make_token
from cryptography.hazmat.primitives import serialization

from tests.support.modules import Outcome, run_module
from tests.support.pki import KEY, aged_certificate, new_csr
from tests.support.raw_server import raw_server, silent_server
from tests.support.servers import free_port
from tests.support.web import HOST, QuietHandler, running

CSR = new_csr("www.example.com")
AUTH_KEY = "1f3870be274f6c49b3e31a0c6728957f"
Check = t.Callable[..., Outcome]
Pages = t.Dict[str, t.Tuple[int, str, bytes]]


def token(**more: t.Any) -> str:
    return make_token(CSR, AUTH_KEY, **more)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "PAUSE", 0.05)


@contextlib.contextmanager
def site(pages: Pages, certificate: Path | None = None, requests: list[t.Any] | None = None) -> t.Iterator[int]:
    """Serve pages, Host header -> (status, Location, body), over TLS with a certificate; yield the port."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 (a name that http.server wants)
            if requests is not None:
                requests.append((self.path, dict(self.headers)))
            status, location, body = pages.get(self.headers["Host"], (404, "", b"nothing"))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((HOST, 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        yield int(server.server_address[1])


@pytest.fixture
def expired(tmp_path: Path) -> Path:
    """A file with a self-signed certificate for another name, expired, and its key."""
    key = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    file = tmp_path / "expired.pem"
    file.write_text(key + aged_certificate("other.example", KEY, -1))
    return file


@pytest.fixture
def closed_port() -> t.Iterator[int]:
    """A port without a listener that stays bound, so nobody else can listen there."""
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        yield int(holder.getsockname()[1])


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], closed_port: int) -> Check:
    def run(http: int, https: int | None = None, **more: t.Any) -> Outcome:
        options = {
            "names": ["www.example.com"],
            "method": "http",
            "csr": CSR,
            "auth_key": AUTH_KEY,
            "http_address": f"{HOST}:{http}",
            "https_port": https or closed_port,
            "timeout": 3,
            **more,
        }
        given = {name: value for name, value in options.items() if value is not None}
        return run_module("digicert_dcv_check", monkeypatch, capsys, **given)

    return run


def test_token_over_http_alone(check: Check) -> None:
    requests: list[t.Any] = []
    with site({"www.example.com": (200, "", f"x\n{token()}\n".encode())}, requests=requests) as port:
        outcome = check(port, names=["WWW.example.com.", "www.example.com"], user_agent="Bot/1")
    assert not outcome.failed
    [result] = outcome.result["results"]
    assert result == {
        "name": "www.example.com",
        "seen": True,
        "where": f"http://www.example.com{web.PATH}",
        "asked": [f"{HOST}:{port}"],
    }
    [(path, headers)] = requests
    assert (path, headers["Host"], headers["User-Agent"]) == (web.PATH, "www.example.com", "Bot/1")
    assert headers["Accept-Encoding"] == "identity"
    [warning] = outcome.result["warnings"]
    assert "connection refused at 127.0.0.1" in str(warning)
    assert "This is fine if the site has no HTTPS." in str(warning)


def test_token_over_https_alone_whatever_the_certificate(check: Check, expired: Path) -> None:
    with site({"www.example.com": (200, "", token().encode())}, expired) as port:
        outcome = check(free_port(), port)
        assert outcome.result["results"][0]["where"] == f"https://www.example.com{web.PATH}"


@pytest.mark.parametrize(
    ("https", "http", "seen"),
    [
        ((200, "", "token"), (200, "", "token"), True),
        ((404, "", "token"), (200, "", "token"), True),
        ((200, "", "token"), (503, "", ""), True),
        ((200, "", "catch-all page"), (200, "", "token"), False),
        ((200, "", "token"), (200, "", "catch-all page"), False),
        ((404, "", ""), (500, "", "token"), False),
        ((101, "", ""), (200, "", "token"), False),
        ((303, "http://www.example.com/", "no"), (200, "", "token"), False),
        ((301, "http://www.example.com:80/", ""), (200, "", "token"), True),
        ((301, "https://evil.example/", ""), (200, "", "token"), False),
    ],
)
def test_whatever_answers_must_show_it(check: Check, expired: Path, https: t.Any, http: t.Any, seen: bool) -> None:
    def pages(row: t.Any) -> Pages:
        status, location, text = row
        return {"www.example.com": (status, location, (token() if text == "token" else text).encode())}

    with site(pages(https), expired) as https_port, site(pages(http)) as http_port:
        outcome = check(http_port, https_port, timeout=2)
    assert outcome.failed is not seen
    assert outcome.result["results"][0]["seen"] is seen
    if not seen:
        assert HOST in outcome.message or "HTTP 404" in outcome.message


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("http://example.com/", True),
        ("http://EXAMPLE.com./x?y", True),
        ("http://www.www.example.com/", True),
        ("//other.example/", True),
        ("http://example.com:8080/", False),
        ("http://sub.other.example/", False),
        ("http://com/", False),
        ("http://evil.example/", False),
        ("http://www.example.com@evil.example/", False),
        ("http://evil.example\\@example.com/", False),
        ("http://127.0.0.1/", False),
        ("ftp://example.com/", False),
        ("http://example.com:x/", False),
        ("http://[::1/", False),
        ("http://example.com/\u00fc", False),
        ("", False),
    ],
)
def test_redirects_lead_to_names_of_the_order_only(check: Check, location: str, followed: bool) -> None:
    body = token().encode()
    pages: Pages = dict.fromkeys(
        ["example.com", "www.www.example.com", "other.example", "evil.example", "127.0.0.1"], (200, "", body)
    )
    with site({**pages, "www.example.com": (302, location, b"")}) as port:
        outcome = check(port, names=["www.example.com", "other.example"], timeout=1)
    assert outcome.result["results"][0]["seen"] is followed
    if not followed:
        assert "redirects to" in outcome.message
        assert outcome.message.isprintable()


def test_redirects_end(check: Check) -> None:
    with site({"www.example.com": (301, "/again", b"")}) as port:
        assert "redirects more than 5 times" in check(port, timeout=0.8).message


def test_what_is_wrong_is_said(check: Check) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    past = (now - datetime.timedelta(hours=1)).isoformat()
    cases: dict[str, tuple[str, dict[str, t.Any]]] = {
        "it shows other text": ("something", {}),
        "it is empty": ("", {}),
        "is in the future": (token(), {"service_time": past}),
        "expired at": (token(now=time.time() - 40 * 86400), {}),
    }
    for words, (text, options) in cases.items():
        with site({"www.example.com": (200, "", text.encode())}) as port:
            message = check(port, timeout=0.8, **options).message
        assert words in message
        assert f"The page http://www.example.com{web.PATH} at {HOST}:{port} does not show the request token" in message
        assert "Check the webroot (dv_certificate_webroot)" in message
        assert message.endswith("or set http_address (dv_certificate_http_address).")


def test_a_wrong_webroot_is_not_silence(check: Check, closed_port: int) -> None:
    with site({}) as port:
        message = check(port, timeout=0.8).message
    assert message.startswith("The web server of www.example.com does not show the request token: https://www.example")
    assert f"connection refused at {HOST}:{closed_port}; http://www.example.com{web.PATH}: HTTP 404." in message
    assert "Check the webroot (dv_certificate_webroot)" in message


def test_silence_does_not_advise_another_webroot(monkeypatch: pytest.MonkeyPatch, check: Check) -> None:
    message = check(free_port(), timeout=0.8).message
    assert message.startswith("The web server of www.example.com cannot be reached: https://www.example.com")
    assert "webroot" not in message

    monkeypatch.setattr(socket, "getaddrinfo", mock.Mock(side_effect=socket.gaierror()))
    message = check(80, http_address=None, timeout=0.8).message
    assert message.startswith(
        "The web server of www.example.com cannot be reached: www.example.com cannot be resolved. Check the name's "
    )


def test_random_value(check: Check) -> None:
    with site({"www.example.com": (200, "", b"other\nr4nd0m\n")}) as port:
        assert not check(port, csr=None, auth_key=None, value="r4nd0m").failed
        assert (
            "does not show the random value" in check(port, csr=None, auth_key=None, value="r4nd", timeout=0.8).message
        )


def test_five_thousand_characters(check: Check) -> None:
    for before, seen in ((4936, True), (4937, False)):
        with site({"www.example.com": (200, "", ("\u20ac" * before + token()).encode())}) as port:
            assert check(port, timeout=0.8).failed is not seen
    with site({"www.example.com": (200, "", b"x" * 5000 + b" r4nd0m")}) as port:
        assert check(port, timeout=0.8, csr=None, auth_key=None, value="r4nd0m").failed


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "::ffff:192.168.0.1",
        "64:ff9b::a00:1",
        "fe80::1%1",
        "224.0.0.1",
        "2002:7f00:1::",
    ],
)
def test_private_addresses_are_refused(monkeypatch: pytest.MonkeyPatch, check: Check, address: str) -> None:
    connected: list[t.Any] = []
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    monkeypatch.setattr(web, "resolve", lambda _host, port, _limit: [(family, (address, port))])
    monkeypatch.setattr(web.socket.socket, "connect", lambda _self, target: connected.append(target))
    message = check(80, http_address=None, timeout=0.8).message
    assert "is not public" in message
    assert connected == []


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(host: str, *_more: t.Any, **_options: t.Any) -> list[t.Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1" if asked[1:] else "93.184.216.34", 80))]

    connected: list[t.Any] = []

    def connect(_self: t.Any, target: t.Any) -> None:
        connected.append(target)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(web.socket.socket, "connect", connect)
    place = web.Site(None, web.PORTS, "x", frozenset())
    page = web.fetch("http", "www.example.com", place, TimeLimit(1))
    assert (asked, connected) == (["www.example.com"], [("93.184.216.34", 80)])
    assert page.reason == "connection refused at 93.184.216.34:80"


BAD = {
    "silent": (b"", b"", 0.02),
    "dripping header": (b"HTTP/1.1 200 OK\r\n", b"x", 0.02),
    "dripping body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.02),
    "endless header": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536, 0),
    "endless chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1" * 65536, 0),
    "endless continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0),
    "huge body": (b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n", b"x" * 65536, 0),
    "endless body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, 0),
    "no HTTP": (b"SSH-2.0-x\r\n", b"", 0.02),
}


@pytest.mark.parametrize("kind", BAD)
def test_one_deadline_whatever_the_server_does(check: Check, kind: str) -> None:
    begin, again, pause = BAD[kind]

    def misbehave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(begin)
        while again or connection.recv(1000):
            connection.sendall(again)
            time.sleep(pause)

    with raw_server(misbehave) as server:
        started = time.monotonic()
        port = int(server.address.rpartition(":")[2])
        outcome = check(port, port, names=[f"w{number}.example.com" for number in range(5)], timeout=1)
        assert time.monotonic() - started < 4
    assert outcome.failed
    assert len(outcome.result["results"]) == 5
    assert "4 more names failed" in outcome.message


@pytest.mark.parametrize(("scheme", "taken"), [("https", True), ("http", True), ("https", False), ("http", False)])
def test_too_little_time_shows_nothing(check: Check, expired: Path, scheme: str, taken: bool) -> None:
    pages: Pages = {"www.example.com": (200, "", token().encode())}
    with site(pages, expired if scheme == "http" else None) as good, silent_server(taken=taken) as port:
        outcome = check(*((port, good) if scheme == "http" else (good, port)), timeout=2 if taken else 1.2)
    assert f"{scheme}://www.example.com{web.PATH} at 127.0.0.1:{port} does not show the" in outcome.message
    assert "no answer in time. Check the web server and firewalls, or raise timeout" in outcome.message


def test_silent_name_resolution_ends_in_time_and_shows_nothing(monkeypatch: pytest.MonkeyPatch, check: Check) -> None:
    look_up, release = socket.getaddrinfo, threading.Event()
    with site({"www.example.com": (200, "", token().encode())}) as port:

        def slowly(host: str, asked: int, **options: t.Any) -> t.Any:
            return look_up(host, asked, **options) if asked == port else release.wait(20)

        monkeypatch.setattr(socket, "getaddrinfo", slowly)
        started = time.monotonic()
        message = check(port, timeout=3).message
        assert time.monotonic() - started < 8
        release.set()
    assert f"The page https://www.example.com{web.PATH} does not show the request token: no answer in time" in message


def test_it_looks_again_until_it_is_there(check: Check) -> None:
    pages: Pages = {}
    with site(pages) as port:
        threading.Timer(0.4, lambda: pages.update({"www.example.com": (200, "", token().encode())})).start()
        assert not check(port, timeout=10).failed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"names": ["a b"]}, "is not a DNS name"),
        ({"names": ["{{ 7 * 7 }}.example"]}, "is not a DNS name"),
        ({"names": []}, "names is empty"),
        ({"names": ["*.example.com"]}, "is a wildcard"),
        ({"timeout": 0}, "timeout must be"),
        ({"timeout": float("nan")}, "timeout must be"),
        ({"timeout": 1e300}, "timeout must be"),
        ({"https_port": 0}, "https_port must be between"),
        ({"http_address": "a:99999999"}, "http_address must be between"),
        ({"http_address": "http://a/"}, "http_address must be an IP address"),
        ({"user_agent": "a\r\nX: y"}, "user_agent must be printable"),
        ({"service_time": "yesterday"}, "service_time must be"),
        ({"value": "x"}, "mutually exclusive"),
        ({"csr": None, "auth_key": None}, "one of the following is required"),
        ({"auth_key": None}, "auth_key"),
        ({"csr": "no CSR at all"}, "csr is neither PEM text"),
        ({"csr": None, "value": " "}, "value must be"),
    ],
)
def test_wrong_options(check: Check, options: dict[str, t.Any], words: str) -> None:
    outcome = check(80, **options)
    assert words in outcome.message
    assert "results" not in outcome.result


def test_http_address() -> None:
    from ansible_collections.community.digicert.plugins.modules import digicert_dcv_check

    addresses: dict[str | None, tuple[str | None, int]] = {None: (None, 80), " ": (None, 80)}
    addresses |= {"192.0.2.1": ("192.0.2.1", 80), "web:8080": ("web", 8080), "[2001:db8::1]:81": ("2001:db8::1", 81)}
    addresses |= dict.fromkeys(("2001:db8::1", "[2001:db8::1]"), ("2001:db8::1", 80))
    assert {text: digicert_dcv_check._split_address(text) for text in addresses} == addresses
