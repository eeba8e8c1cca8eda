# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire: time and size limits with every urllib3, and whether a request was sent."""

from __future__ import annotations

import contextlib
import functools
import gzip
import itertools
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import typing as t
import zlib

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral import client as client_module
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotSentError,
    UnusableResponseError,
)

from tests.support.pki import KEY, aged_certificate, private_pem
from tests.support.raw_server import Reply, raw_server, read_request
from tests.support.web import QuietHandler, address_of, http_server

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = OK + b"Content-Length: %d\r\n%s\r\n"
MIB = 1024 * 1024
OVERSIZED, BROKEN = "larger than 4 MiB", "connection broke before the response was complete"
EITHER = f"{OVERSIZED}|{BROKEN}"  # urllib3 decides which one
ENCODED = "content encoding that was not requested"


@functools.lru_cache(maxsize=None)
def bomb() -> bytes:
    """Return gzip within gzip that decodes to 256 MiB."""
    return gzip.compress(gzip.compress(b" " * (256 * MIB), 1), mtime=0)


def sized(body: bytes, headers: bytes = b"") -> bytes:
    return SIZED % (len(body), headers) + body


def endless(first: bytes, piece: bytes) -> t.Iterator[bytes]:
    return itertools.chain([first], itertools.repeat(piece))


def failure(reply: t.Any, method: str = "POST", timeout: float = 10) -> DigicertError:
    with raw_server(reply) as server, pytest.raises(DigicertError) as caught:
        Client(f"http://{server.address}", "k", timeout=timeout, retry_timeout=0).request(method, "/x", "test")
    return caught.value


@pytest.mark.parametrize(
    "reply",
    [
        sized(b'{"id": 1}'),
        sized(gzip.compress(b'{"id": 1}', mtime=0), b"Content-Encoding: gzip\r\n"),
        sized(zlib.compress(b'{"id": 1}'), b"Content-Encoding: deflate\r\n"),
        CHUNKED + b'4;note=1\r\n{"id\r\n5\r\n": 1}\r\n0\r\nTrailer: 1\r\n\r\n',
        OK + b'Connection: close\r\n\r\n{"id": 1}',
        *[b"HTTP/1.1 %d X\r\nLink: </x>\r\n\r\n" % status * 3 + sized(b'{"id": 1}') for status in (100, 102, 103)],
    ],
)
def test_responses_that_are_read(reply: bytes) -> None:
    def answer(connection: socket.socket, request: bytes) -> None:
        while request:
            connection.sendall(reply)
            request = b"" if b"close" in reply else read_request(connection)

    with raw_server(answer) as server:
        client = Client(f"http://{server.address}", "k")
        assert client.request("POST", "/x", "test").payload == {"id": 1}
        assert client.request("POST", "/x", "test").payload == {"id": 1}


HOSTILE: dict[str, tuple[t.Callable[[], t.Any], str]] = {
    "large body": (lambda: sized(b" " * (4 * MIB + 1)), OVERSIZED),
    "endless body": (lambda: endless(OK + b"\r\n", b" " * 65536), OVERSIZED),
    "endless chunks": (lambda: endless(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"), OVERSIZED),
    "endless chunk-size line": (lambda: endless(CHUNKED, b"0" * 65536), EITHER),
    "endless chunk extension": (lambda: endless(CHUNKED + b"1;", b"x" * 65536), EITHER),
    "endless trailers": (lambda: endless(CHUNKED + b"1\r\n1\r\n0\r\n", b"A: b\r\n" * 10000), OVERSIZED),
    "endless trailer line": (lambda: endless(CHUNKED + b"1\r\n1\r\n0\r\n", b"x" * 65536), EITHER),
    "endless status line": (lambda: endless(b"HTTP/1.1 200 ", b"x" * 65536), BROKEN),
    "endless header line": (lambda: endless(OK + b"A: ", b"x" * 65536), BROKEN),
    "endless headers": (lambda: endless(OK, b"A: b\r\n" * 10000), BROKEN),
    "endless 102": (lambda: endless(b"", b"HTTP/1.1 102 X\r\n\r\n" * 1000), OVERSIZED),
    "endless 100": (lambda: endless(b"", b"HTTP/1.1 100 X\r\n\r\n" * 1000), OVERSIZED),
    "redirect with an endless body": (
        lambda: endless(b"HTTP/1.1 302 X\r\nLocation: /y\r\n\r\n", b" " * 65536),
        OVERSIZED,
    ),
    "redirect with a bomb": (
        lambda: (
            b"HTTP/1.1 302 X\r\nLocation: /y\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b" " * (256 * MIB), 1)
        ),
        OVERSIZED,
    ),
    "error with an endless body": (lambda: endless(b"HTTP/1.1 500 X\r\n\r\n", b" " * 65536), OVERSIZED),
    "gzip bomb": (lambda: sized(gzip.compress(b" " * (256 * MIB), 1), b"Content-Encoding: gzip\r\n"), OVERSIZED),
    "gzip in gzip": (
        lambda: sized(bomb(), b"Content-Encoding: gzip, gzip\r\n"),
        ENCODED,
    ),
    "gzip in gzip in chunks": (
        lambda: CHUNKED[:-2] + b"Content-Encoding: gzip, gzip\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(bomb()), bomb()),
        ENCODED,
    ),
    "gzip of many members": (
        lambda: sized(gzip.compress(b"1", mtime=0) * 100_000, b"Content-Encoding: gzip\r\n"),
        ENCODED,
    ),
    "deflate bomb": (
        lambda: sized(zlib.compress(b" " * (256 * MIB), 1), b"Content-Encoding: deflate\r\n"),
        OVERSIZED,
    ),
    "brotli": (lambda: sized(b"x", b"Content-Encoding: br\r\n"), ENCODED),
    "no gzip": (lambda: sized(b"xxxx", b"Content-Encoding: gzip\r\n"), ENCODED),
    "cut gzip": (lambda: sized(gzip.compress(b"1" * 1000, mtime=0)[:-9], b"Content-Encoding: gzip\r\n"), BROKEN),
    "short body": (lambda: SIZED % (100, b"") + b"{}", BROKEN),
    "no body": (lambda: SIZED % (100, b""), BROKEN),
    "cut chunk": (lambda: CHUNKED + b"5\r\n{}", BROKEN),
    "no last chunk": (lambda: CHUNKED + b"2\r\n{}\r\n", BROKEN),
    "chunk size that is none": (lambda: CHUNKED + b"-1\r\n{}\r\n0\r\n\r\n", BROKEN),
    "two lengths": (lambda: OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", BROKEN),
    "length of many digits": (lambda: OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", BROKEN),
    "101 headers": (lambda: OK + b"A: b\r\n" * 101 + b"\r\n{}", BROKEN),
    "no HTTP": (lambda: b"SSH-2.0-x\r\n", BROKEN),
    "nothing": (lambda: b"", BROKEN),
    "many empty lists": (lambda: sized(b"[" + b"[]," * MIB + b"1]"), "is not JSON"),
    "lists in lists": (lambda: sized(b"[" + (b"[" * 400 + b"]" * 400 + b",") * 5000 + b"1]"), "is not JSON"),
    "many objects": (lambda: sized(b"[" + b'{"":0},' * 500_000 + b"1]"), "is not JSON"),
    "many names": (lambda: sized(b"{" + b",".join(b'"%x":0' % i for i in range(350_000)) + b"}"), ""),
    "many numbers": (lambda: sized(b"[" + b"1e9," * (MIB - 2) + b"1]"), ""),
    "many texts": (lambda: sized(b"[" + '"Ā",'.encode() * (4 * MIB // 5 - 2) + b"1]"), ""),
    "one wide character": (lambda: sized(b'"' + b"x" * (4 * MIB - 6) + "😀".encode() + b'"'), ""),
    "error of many wide characters": (
        lambda: b"HTTP/1.1 500 X\r\n\r\n" + "😀".encode() * (MIB - 1),
        "HTTP 500",
    ),
}


@pytest.mark.parametrize("name", [name for name, (_reply, words) in HOSTILE.items() if words])
def test_a_hostile_response_is_one_sentence_and_may_have_been_carried_out(name: str) -> None:
    make, words = HOSTILE[name]
    reply = make()
    begin = time.process_time()
    error = failure(reply, timeout=120)
    assert isinstance(error, LostResponseError), error
    assert re.search(words, error.message)
    assert error.message.isprintable()
    assert error.transient == (BROKEN in error.message)
    assert time.process_time() - begin < 9


PROGRAM = f"""
import os, re, sys
from {client_module.__name__} import Client
from {client_module.__name__[:-7]}.errors import DigicertError

def kibibytes(field):
    return int(re.search(field + ":[^0-9]*([0-9]+)", open("/proc/self/status").read())[1])

Client(sys.argv[1], "k").prepare()
for url in sys.argv[1:]:
    if os.fork() == 0:
        open("/proc/self/clear_refs", "w").write("5")  # the peak begins again
        idle = kibibytes("VmRSS")
        try:
            Client(url, "k", timeout=60, retry_timeout=0).request("GET", "/x", "test")
        except DigicertError:
            pass
        print((kibibytes("VmHWM") - idle) // 1024, flush=True)
        os._exit(0)
    os.wait()
"""


def test_hostile_responses_take_little_memory() -> None:
    def answer(name: str) -> Reply:
        def send(connection: socket.socket, _request: bytes) -> None:
            reply = HOSTILE[name][0]()
            for piece in [reply] if isinstance(reply, bytes) else reply:
                connection.sendall(piece)

        return send

    with contextlib.ExitStack() as servers:
        urls = [f"http://{servers.enter_context(raw_server(answer(name))).address}" for name in HOSTILE]
        done = subprocess.run([sys.executable, "-c", PROGRAM, *urls], check=True, stdout=subprocess.PIPE)
    mebibytes = dict(zip(HOSTILE, map(int, done.stdout.split())))
    print(mebibytes)
    assert len(mebibytes) == len(HOSTILE)
    assert {name: size for name, size in mebibytes.items() if size > 150} == {}
    assert mebibytes["many texts"] > 20, "the responses were not read"


def drip(connection: socket.socket, _request: bytes) -> None:
    for byte in itertools.chain(OK, itertools.repeat(32)):
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.05)  # not the clock that another test replaces


def stay_silent(connection: socket.socket, _request: bytes) -> None:
    connection.recv(1)


def reset(connection: socket.socket, _request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize(("reply", "silent"), [(drip, True), (stay_silent, True), (reset, False)])
def test_a_request_without_a_response_in_time_may_have_been_carried_out(reply: Reply, silent: bool) -> None:
    error = failure(reply, timeout=0.5 if silent else 30)
    assert isinstance(error, LostResponseError)
    assert (error.silent, error.transient) == (silent, not silent)
    assert ("no complete response within 0.5 seconds" in error.message) == silent


@pytest.mark.parametrize("body", [None, {"money": 1}], ids=["without a body", "with a body"])
def test_a_request_that_was_given_up_before_it_was_sent_never_is(monkeypatch: pytest.MonkeyPatch, body: t.Any) -> None:
    look_up = socket.getaddrinfo

    def slowly(*arguments: t.Any, **options: t.Any) -> t.Any:
        time.sleep(1)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with raw_server(sized(b"{}")) as server:
        client = Client(f"http://{server.address}", "k", timeout=0.3, retry_timeout=0)
        with pytest.raises(NotSentError, match="no connection within") as caught:
            client.request("POST", "/order", "order", body=body)
        assert caught.value.transient
        time.sleep(1.2)
        assert not any(server.requests)


def test_a_post_whose_connection_failed_is_sent_once_when_there_is_one(sleeps: list[float]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{nobody.getsockname()[1]}", "k", retry_timeout=5)
        with pytest.raises(NotSentError) as caught:
            client.request("POST", "/x", "test")
    assert sleeps == [1, 2, 2]
    assert caught.value.message == (
        f"Cannot test at {client.api_url} after retrying for 5 seconds (retry_timeout): no connection (Connection "
        "refused). Check api_url (https or http, host, port), name resolution, and firewalls."
    )


def test_an_address_that_has_responded_is_not_doubted() -> None:
    replies = iter([b"", sized(b"{}"), b""])
    with raw_server(lambda connection, _request: connection.sendall(next(replies))) as server:
        client = Client(f"http://{server.address}", "k", retry_timeout=0)
        with pytest.raises(LostResponseError, match=r"\(https or http, host, port\), or try again later\.$"):
            client.request("GET", "/x", "test")
        client.request("GET", "/x", "test")
        with pytest.raises(LostResponseError, match=r"\)\. Try again later\.$"):
            client.request("GET", "/x", "test")


@pytest.mark.parametrize(
    ("problem", "tries"), [(socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 4)], ids=["unknown", "for-now"]
)
def test_a_name_that_does_not_resolve_is_tried_again_only_when_that_may_pass(
    monkeypatch: pytest.MonkeyPatch, sleeps: list[float], problem: int, tries: int
) -> None:
    looked_up = []

    def fail(host: str, *_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        looked_up.append(host)
        raise socket.gaierror(problem, "No such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NotSentError, match=r"no connection \(No such name\)\. Check api_url"):
        Client("https://api.example", "k", retry_timeout=5).request("POST", "/x", "test")
    assert len(looked_up) == tries
    assert len(sleeps) == tries - 1


@pytest.mark.parametrize(
    ("url", "reply", "words"),
    [
        ("https://{}", b"HTTP/1.1 400 Bad\r\n\r\n", "TLS failed"),
        ("https://{}", b"", "connection broke"),
        ("https://{}", stay_silent, "no connection within"),
        ("https://" + "a" * 64, b"", "cannot be used"),
    ],
)
def test_what_fails_before_the_request_leaves_was_not_sent(url: str, reply: t.Any, words: str) -> None:
    timeout = 0.5 if reply is stay_silent else 30
    with raw_server(reply) as server, pytest.raises(NotSentError) as caught:
        Client(url.format(server.address), "k", timeout=timeout, retry_timeout=0).request("POST", "/x", "test")
    assert words in caught.value.message


def test_an_unusable_ca_file_is_named(tmp_path: t.Any) -> None:
    (tmp_path / "ca.pem").write_text("none")
    with raw_server(b"") as server, pytest.raises(NotSentError, match=r"ca_path|CA certificates"):
        Client(f"https://{server.address}", "k", ca_path=str(tmp_path / "ca.pem")).request("POST", "/x", "test")


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"], ids=["direct", "a proxy for other hosts"])
def test_a_certificate_for_another_name_is_not_accepted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, proxy: str | None
) -> None:
    # How urllib3 says so, and whether it looks at the common name, differs between its versions.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    pem = tmp_path / "server.pem"
    pem.write_text(aged_certificate("other.example", KEY, 50) + private_pem(KEY))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with http_server(QuietHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        client = Client(f"https://{address_of(server)}", "k", ca_path=str(pem), retry_timeout=0)
        with pytest.raises(
            NotSentError, match=r"TLS certificate is not accepted \([hI][^(]* .127\.0\.0\.1.*\)\. Check"
        ):
            client.request("POST", "/x", "test")


def tunnel(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n" if request.startswith(b"CONNECT") else b"")


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:s3cret@{}",
        "http://user:s3cret@",
        "http://user:s3cret@:80",
        "http://user:s3cret@h:port",
        "http://user:s3cret@h:99999",
        "http://user:s3cret@[::1",
        "http://user:s3cret@a..b",
        "http://user:s3cret\udcff@{}",
        "http://user:s3c%zzret@",
        "user:s3cret@{}",
        "user:s3cret",
        "://user:s3cret@{}",
        "socks5://user:s3cret@{}",
        "ftp://user:s3cret@{}",
        "https://user:s3cret@{}",
        "http://user:s3 cret@h",
        "http://user:s3cret@\u2028",
        "http://",
    ],
)
@pytest.mark.parametrize(
    "reply",
    [b"HTTP/1.1 407 \x1b[31ms3cret\r\n\r\n", b"HTTP/1.1 502 X\r\n\r\n", tunnel, b""],
    ids=["407", "502", "tunnel", "nothing"],
)
def test_a_proxy_that_cannot_be_used_is_one_sentence_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str, reply: t.Any
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with raw_server(reply) as server:
        monkeypatch.setenv("HTTPS_PROXY", proxy.format(server.address))
        client = Client("https://api.example", "k", timeout=2, retry_timeout=0)
        with pytest.raises(NotSentError) as caught:
            client.request("POST", "/x", "test")
    assert caught.value.message.isprintable()
    assert not caught.value.transient or proxy.endswith(("@{}", "@h", "//"))  # an address does not get better
    assert re.search(r"the proxy cannot be used|no connection|TLS failed|connection broke", caught.value.message)
    assert caught.value.message.endswith(".")
    assert "cret" not in caught.value.message.replace("407 [31ms3cret", "")
    assert "user" not in caught.value.message


def test_unexpected_form_differs_from_no_form() -> None:
    assert failure(sized(b"<html>")).__class__ is UnusableResponseError
