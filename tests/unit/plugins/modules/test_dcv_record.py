# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""digicert_dcv_record against knot: it adds or removes one text, and reports refusals."""

from __future__ import annotations

import base64
import socket
import socketserver
import threading
import time
import typing as t

import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest
from ansible_collections.community.digicert.plugins.modules import digicert_dcv_record

from tests.support.modules import Outcome, run_module
from tests.support.servers import HOST, Knot, free_port
from tests.support.web import running

NAME = "_dnsauth.www.example.com"
SECRET = base64.b64encode(b"wrong" * 6).decode()
Change = t.Callable[..., Outcome]


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Knot]:
    server = Knot(tmp_path_factory.mktemp("dns") / "knot", "example.com")
    yield server
    server.stop()


@pytest.fixture
def change(knot: Knot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Change:
    def run(value: str = "one", state: str = "present", **more: t.Any) -> Outcome:
        options = {
            "record": NAME,
            "value": value,
            "state": state,
            "server": HOST,
            "port": knot.port,
            "key_name": knot.key_name,
            "key_secret": knot.key_secret,
            "timeout": 5,
            **more,
        }
        given = {name: value for name, value in options.items() if value is not None}
        return run_module("digicert_dcv_record", monkeypatch, capsys, **given)

    return run


def test_one_text_is_added_and_removed(knot: Knot, change: Change) -> None:
    other, text = 'other "quoted" \\ text', "20261123161453" + "0" * 50
    assert change(other).result["changed"]
    for check_mode in (True, False):
        outcome = change(text, _ansible_check_mode=check_mode, _ansible_diff=True)
        assert (outcome.result["changed"], outcome.result["zone"]) == (True, "example.com")
        assert outcome.result["diff"] == {"before": {"texts": [other]}, "after": {"texts": [other, text]}}
    assert sorted(knot.texts(NAME)) == sorted([other, text])
    assert not change(text).result["changed"]
    for check_mode in (True, False):
        assert change(text, "absent", _ansible_check_mode=check_mode).result["changed"]
    assert knot.texts(NAME) == [other]
    assert not change(text, "absent").result["changed"]
    assert change(other, "absent", zone="example.com.").result["changed"]
    assert knot.texts(NAME) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key_name": "unknown"}, "BADKEY, the server does not know the TSIG key unknown"),
        ({"key_secret": SECRET}, "BADSIG, the secret of the TSIG key updates is not the one"),
        ({"key_algorithm": "hmac-sha512"}, "BADKEY, the server does not know the TSIG key updates"),
        ({"key_name": None, "key_secret": None}, "TSIG key (none was given)"),
        ({"record": "a.example.net"}, "REFUSED"),
        ({"record": "a.example.net", "zone": "example.net"}, "REFUSED"),
        ({"server": "no-such-host.invalid"}, "The name server no-such-host.invalid cannot be resolved"),
        ({"zone": "example.net"}, "is not in the zone example.net"),
        ({"value": "x" * 256}, "value must be 1 to 255 characters"),
        ({"value": "a\nb"}, "value must be 1 to 255 characters"),
        ({"value": ""}, "value must be 1 to 255 characters"),
        ({"record": "a b.example.com"}, "is not a DNS name"),
        ({"key_secret": "no base64!"}, "key_secret must be base64"),
        ({"key_secret": None}, "must be set together"),
        ({"ttl": -1}, "ttl must be between"),
        ({"port": 65536}, "port must be between"),
        ({"timeout": float("inf")}, "timeout must be"),
    ],
)
def test_what_goes_wrong_is_said(change: Change, options: dict[str, t.Any], words: str) -> None:
    outcome = change(**options)
    assert words in outcome.message
    assert outcome.message.endswith(".")
    assert not outcome.result["changed"]
    assert SECRET not in str(outcome.result)


def test_a_clock_that_differs_is_said(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    now = time.time
    monkeypatch.setattr("dns.message.time.time", lambda: now() - 7200)
    assert "BADTIME, the clocks of this machine and of the server differ too much" in change().message


def test_a_cname_is_said(knot: Knot, change: Change) -> None:
    update = dns.update.UpdateMessage("example.com")
    update.add("_dnsauth.alias", 60, "CNAME", "elsewhere.example.net.")
    ring = dns.tsigkeyring.from_text({knot.key_name: knot.key_secret})
    update.use_tsig(ring, algorithm="hmac-sha256.")
    assert dns.query.tcp(update, HOST, port=knot.port, timeout=5).rcode() == dns.rcode.NOERROR
    message = change(record="_dnsauth.alias.example.com").message
    assert "is a CNAME to elsewhere.example.net, so it cannot have a TXT record" in message


class Relay(socketserver.BaseRequestHandler):
    """Hands datagrams to knot, and loses answers to updates, or all."""

    port = 0
    loses_all = False

    def handle(self) -> None:
        data, sock = self.request
        is_update = (data[2] >> 3) & 0xF == 5
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
            onward.settimeout(2)
            onward.sendto(data, (HOST, self.port))
            answer = onward.recv(65535)
        if not (self.loses_all or is_update):
            sock.sendto(answer, self.client_address)


def relaying(knot: Knot, **more: t.Any) -> t.ContextManager[socketserver.UDPServer]:
    return running(socketserver.ThreadingUDPServer((HOST, 0), type("One", (Relay,), {"port": knot.port, **more})))


def test_a_lost_answer_is_looked_up(knot: Knot, change: Change) -> None:
    with relaying(knot) as relay:
        assert change("lost", port=relay.server_address[1], timeout=3).result["changed"]
    assert knot.texts(NAME) == ["lost"]
    assert change("lost", "absent").result["changed"]


def test_an_answer_that_stays_lost_may_have_changed_something(
    knot: Knot, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digicert_dcv_record.Primary, "texts", lambda _self, _record: [])
    with relaying(knot) as relay:
        outcome = change("lost", port=relay.server_address[1], timeout=2)
    assert "may still be carried out" in outcome.message
    assert outcome.result["changed"]
    monkeypatch.undo()
    change("lost", "absent")


def test_tcp_is_tried_where_udp_is_lost(knot: Knot, change: Change) -> None:
    """UDP and TCP on one port: datagrams vanish, connections are handed on."""

    class Onward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((HOST, knot.port)) as onward:
                onward.sendall(self.request.recv(65535))
                self.request.sendall(onward.recv(65535))

    tcp = socketserver.ThreadingTCPServer((HOST, 0), Onward)
    port = tcp.server_address[1]
    udp = socketserver.ThreadingUDPServer((HOST, port), type("Deaf", (Relay,), {"port": knot.port, "loses_all": True}))
    with running(tcp), running(udp):
        assert change("by TCP", port=port, timeout=20, zone="example.com").result["changed"]
    assert knot.texts(NAME) == ["by TCP"]
    assert change("by TCP", "absent").result["changed"]


def test_a_silent_server_ends_in_time(change: Change) -> None:
    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            threading.Event().wait(0.01)

    with running(socketserver.ThreadingUDPServer((HOST, 0), Silent)) as server:
        started = time.monotonic()
        outcome = change(port=server.server_address[1], timeout=1)
    assert time.monotonic() - started < 3
    assert "Cannot find the zone of" in outcome.message
    assert not outcome.result["changed"]


def test_an_answer_without_a_signature_is_not_believed(change: Change) -> None:
    class Liar(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            # The same message as a response without records: its question ends with type and class.
            end = data.index(b"\0", 12) + 5
            sock.sendto(
                data[:2] + bytes([data[2] | 0x80, 0]) + data[4:6] + bytes(6) + data[12:end], self.client_address
            )

    with running(socketserver.ThreadingUDPServer((HOST, 0), Liar)) as server:
        outcome = change(port=server.server_address[1], timeout=1)
    assert "signed" in outcome.message


def test_nobody_there(change: Change) -> None:
    assert "connection refused. Check server, port" in change(port=free_port(), timeout=1).message


def test_secrets_are_kept(change: Change) -> None:
    assert digicert_dcv_record.checked_key({"key_name": "", "key_secret": "", "key_algorithm": "hmac-md5"}) is None
    secret = base64.b64encode(b"some secret of ours").decode()
    outcome = change(key_secret=secret)
    assert secret not in str(outcome.result)
    assert outcome.failed
