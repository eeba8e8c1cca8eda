# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""digicert_dcv_check over DNS: knot, and broken servers."""

from __future__ import annotations

import socketserver
import sys
import threading
import time
import typing as t

import dns.message
import dns.query
import dns.rcode
import dns.resolver
import dns.tsigkeyring
import dns.update
import pytest
from ansible_collections.community.digicert.plugins.module_utils._dcv import looks, name_servers
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import make_token

from tests.support.modules import Outcome, run_module
from tests.support.pki import new_csr
from tests.support.servers import HOST, Knot, free_port
from tests.support.web import running

CSR = new_csr("www.example.com")
AUTH_KEY = "1f3870be274f6c49b3e31a0c6728957f"
RECORD = "_dnsauth.www.example.com"
Check = t.Callable[..., Outcome]


def token(**more: t.Any) -> str:
    return make_token(CSR, AUTH_KEY, **more)


class Zone:
    """A zone that a test fills."""

    def __init__(self, knot: Knot) -> None:
        self.knot = knot
        self.port = knot.port
        self._known: set[str] = set()

    def put(self, name: str, *texts: str, kind: str = "TXT") -> None:
        """Make these the only records at a name."""
        update = dns.update.UpdateMessage(self.knot.zone)
        update.delete(f"{name}.")
        for text in texts:
            update.add(f"{name}.", 60, kind, text)
        update.use_tsig(dns.tsigkeyring.from_text({self.knot.key_name: self.knot.key_secret}), algorithm="hmac-sha256.")
        assert dns.query.tcp(update, HOST, port=self.port, timeout=5).rcode() == dns.rcode.NOERROR
        self._known.add(name)

    def clear(self) -> None:
        """Remove what was put."""
        for name in self._known:
            self.put(name)


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Knot]:
    server = Knot(tmp_path_factory.mktemp("dns") / "knot", "example.com")
    yield server
    server.stop()


@pytest.fixture
def zone(knot: Knot) -> t.Iterator[Zone]:
    zone = Zone(knot)
    yield zone
    zone.clear()


@pytest.fixture
def check(zone: Zone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the module; the machine's resolver is also knot, which knows only its zone."""
    monkeypatch.setattr(looks, "PAUSE", 0.05)

    def resolver(limit: t.Any) -> dns.resolver.Resolver:
        found = dns.resolver.Resolver(configure=False)
        found.nameservers, found.port, found.lifetime = [HOST], zone.port, max(0.1, limit.left)
        return found

    monkeypatch.setattr(name_servers, "system_resolver", resolver)

    def run(**more: t.Any) -> Outcome:
        options = {
            "names": ["www.example.com"],
            "method": "dns",
            "csr": CSR,
            "auth_key": AUTH_KEY,
            "dns_port": zone.port,
            "timeout": 1.5,
            **more,
        }
        given = {name: value for name, value in options.items() if value is not None}
        return run_module("digicert_dcv_check", monkeypatch, capsys, **given)

    return run


@pytest.mark.parametrize("servers", [None, [HOST], ["localhost"]])
def test_token_at_dnsauth(zone: Zone, check: Check, servers: list[str] | None) -> None:
    zone.put(RECORD, "another", token())
    outcome = check(dns_servers=servers, names=["www.example.com", "*.www.example.com"])
    assert not outcome.failed, outcome
    first, second = outcome.result["results"]
    assert (first["where"], first["asked"], first["seen"]) == (RECORD, [HOST], True)
    assert (second["name"], second["where"]) == ("*.www.example.com", RECORD)


def test_token_at_the_name_itself(zone: Zone, check: Check) -> None:
    zone.put(RECORD, "stale")
    zone.put("www.example.com", f'"v=1 {token()}"')
    assert check().result["results"][0]["where"] == "www.example.com"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "the record does not exist"),
        ("other", "it shows other text"),
        ('"20261123 {token}"', "another text that starts with this or last year"),
        ('"2026" "{token}"', "another text that starts with this or last year"),
        ('"{first}" "{second}"', "it shows other text"),
    ],
)
def test_one_text_in_one_record(zone: Zone, check: Check, text: str | None, words: str) -> None:
    value = token()
    year = value[:4]
    if text is not None:
        shown = text.replace("2026", year).format(token=value, first=value[:20], second=value[20:])
        zone.put(RECORD, shown)
    message = check().message
    assert words in message
    assert f"The TXT record {RECORD} at the name server ns.example.com ({HOST})" in message
    assert message.endswith("each name server of the zone, or raise timeout (dv_certificate_check_timeout).")


def test_random_value_is_the_whole_text(zone: Zone, check: Check) -> None:
    zone.put(RECORD, "r4nd0m")
    assert not check(csr=None, auth_key=None, value="r4nd0m").failed
    assert "does not show the random value" in check(csr=None, auth_key=None, value="r4nd0").message


def test_cname_is_followed_and_named(zone: Zone, check: Check) -> None:
    zone.put(RECORD, "www.proof.example.com.", kind="CNAME")
    message = check().message
    assert f"{RECORD}, a CNAME to www.proof.example.com, at the name server" in message
    zone.put("www.proof.example.com", token())
    for servers in (None, [HOST]):
        [result] = check(dns_servers=servers).result["results"]
        assert (result["seen"], result["cname"]) == (True, "www.proof.example.com")


def test_cnames_in_a_circle_end(zone: Zone, check: Check) -> None:
    zone.put(RECORD, f"{RECORD}.", kind="CNAME")
    assert check().failed


def test_many_records_come_over_tcp(zone: Zone, check: Check) -> None:
    zone.put(RECORD, *[f"other-{number}-{'x' * 200}" for number in range(20)], token())
    assert not check().failed


def test_a_zone_that_nobody_has(check: Check) -> None:
    message = check(names=["www.example.net"]).message
    assert "he DNS resolver of this machine fails for NS records of _dnsauth.www.example.net" in message


def answering(
    answer: t.Callable[[t.Any], t.Any], host: str = HOST, port: int = 0
) -> t.ContextManager[socketserver.UDPServer]:
    """Serve DNS over UDP with a function from query to response, or bytes, or None for silence."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            response = answer(dns.message.from_wire(data))
            if response is not None:
                wire = response if isinstance(response, bytes) else response.to_wire()
                sock.sendto(wire, self.client_address)

    return running(socketserver.ThreadingUDPServer((host, port), Handler))


def refusing(code: int) -> t.Callable[[t.Any], t.Any]:
    def answer(query: t.Any) -> t.Any:
        response = dns.message.make_response(query)
        response.set_rcode(code)
        return response

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusing(dns.rcode.SERVFAIL), "cannot be read: it answers SERVFAIL"),
        (refusing(dns.rcode.REFUSED), "cannot be read: it answers REFUSED"),
        (lambda _query: None, "cannot be read: it does not answer in time"),
        (lambda _query: b"\xff" * 30, "cannot be read: "),
        (lambda _query: b"", "cannot be read: "),
    ],
)
def test_servers_that_fail_are_named(check: Check, answer: t.Callable[[t.Any], t.Any], words: str) -> None:
    started = time.monotonic()
    with answering(answer) as server:
        message = check(dns_servers=[HOST], dns_port=server.server_address[1], timeout=1.5).message
    assert message.startswith(f"The TXT record {RECORD} at the name server {HOST} {words}")
    assert time.monotonic() - started < 3


def test_a_server_that_recovers(check: Check) -> None:
    asked: list[t.Any] = []

    def answer(query: t.Any) -> t.Any:
        asked.append(query)
        if len(asked) < 4:
            return refusing(dns.rcode.SERVFAIL)(query)
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(f"{RECORD}.", 60, "IN", "TXT", token()))
        return response

    with answering(answer) as server:
        assert not check(dns_servers=[HOST], dns_port=server.server_address[1], timeout=10).failed


@pytest.mark.parametrize("servers", [[HOST, "127.0.0.2"], ["127.0.0.2", HOST]])
def test_every_server_must_show_it(zone: Zone, check: Check, servers: list[str]) -> None:
    """A server that lags behind fails the check, because DigiCert may ask it."""
    zone.put(RECORD, token())
    with answering(dns.message.make_response, "127.0.0.2", zone.port):
        outcome = check(dns_servers=servers)
    assert (
        f"{RECORD} at the name server 127.0.0.2 does not show the request token: the record does not" in outcome.message
    )
    assert outcome.result["results"][0]["asked"] == servers


def test_server_names_that_do_not_resolve(check: Check) -> None:
    assert "name server no-such-host.invalid cannot be resolved" in check(dns_servers=["no-such-host.invalid"]).message


def test_many_silent_servers_and_names_share_one_deadline(check: Check) -> None:
    names = [f"w{number}.example.com" for number in range(20)]
    with answering(lambda _query: None) as server:
        started = time.monotonic()
        outcome = check(names=names, dns_servers=[HOST, "127.0.0.3"], dns_port=server.server_address[1], timeout=2)
    assert time.monotonic() - started < 3
    assert len(outcome.result["results"]) == 20


def test_it_looks_again_until_it_is_there(zone: Zone, check: Check) -> None:
    threading.Timer(0.4, lambda: zone.put(RECORD, token())).start()
    assert not check(timeout=10).failed


def test_dnspython_is_needed_for_dns_only(monkeypatch: pytest.MonkeyPatch, check: Check) -> None:
    monkeypatch.setitem(sys.modules, "dns.resolver", None)
    message = check().message
    assert "Failed to import the required Python library (dnspython)" in message
    over_http = check(method="http", http_address=f"{HOST}:{free_port()}", https_port=free_port())
    assert "cannot be reached" in over_http.message
