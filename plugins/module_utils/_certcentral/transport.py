# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The only file that uses requests and urllib3: when to load them, and how to limit what they read.

What depends on the internals of urllib3 and http.client is in `_Connection` and `_Response`: a request is sent only
while a caller waits for it, and at most MAX_RAW bytes of a response are read, no matter how they are split into header,
chunk, and trailer lines. Both work with urllib3 1.26 and 2; test_transport.py fails if they do not.
"""

from __future__ import annotations

import sys
import traceback
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.deadline import Deadline
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import MissingLibraryError

MAX_BODY = 4 * 1024 * 1024  # bytes, before and after decoding; the list of 10,000 AuthKeys is about two million
MAX_RAW = MAX_BODY + 1024 * 1024  # bytes of one response on the wire: body, header and chunk lines
MAX_INTERIM = 20  # 1xx responses before the one that counts
ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # to the window bits of zlib


class OversizedError(Exception):
    """A response is larger than anything that the API sends."""


class EncodedError(Exception):
    """A response has an encoding that was not requested and cannot be read."""


class IncompleteError(Exception):
    """A response ended before its Content-Length."""


class RawResponse(t.NamedTuple):
    """Status, headers (looked up without regard to case) and decoded body of a response."""

    status: int
    headers: t.Mapping[str, str]
    content: bytes


def load_requests() -> t.Any:
    """Return the module requests, loaded when first needed; raises MissingLibraryError.

    Loading it takes a large part of each task's time, mostly for the library that guesses character sets, which is not
    used here. Versions of requests that require that library are loaded with it.
    """
    loaded = sys.modules.get("requests")
    if loaded is not None:
        return loaded
    detectors = [name for name in ("chardet", "charset_normalizer") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(detectors))  # type: ignore[arg-type]  # None makes importing it fail
    try:
        return _import_requests()
    except Exception:  # noqa: BLE001 (some versions raise just that without a detector)
        for name in [name for name in sys.modules if name.partition(".")[0] == "requests"]:
            del sys.modules[name]
    finally:
        for name in detectors:
            del sys.modules[name]
    try:
        return _import_requests()
    except Exception as exc:  # noqa: BLE001 (a damaged or unreadable library, or another file of its name)
        raise MissingLibraryError("requests", traceback.format_exc(), exc) from None


def _import_requests() -> t.Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about the missing library and its expected versions
        import requests

    found: t.Any = requests
    _used = found.Session, found.adapters.HTTPAdapter, found.packages.urllib3  # another file of its name has none
    return found


class Transport:
    """Connections to one service, kept alive between exchanges; each exchange has a deadline."""

    def __init__(self, *, headers: dict[str, str], verify: bool | str, use_proxy: bool) -> None:
        """Prepare connections; nothing is sent.

        Args:
            headers: sent with each request.
            verify: whether the server's certificate must be valid, or a file or directory of CA certificates.
            use_proxy: whether the proxy variables of the environment count.

        Raises:
            MissingLibraryError: requests is not installed.
        """
        self._deadline = Deadline()
        self._verify = verify
        requests = load_requests()
        self._session = _new_session(requests, lambda: self._deadline)
        self._session.headers.update(headers)
        self._session.trust_env = use_proxy
        if verify is False:
            requests.packages.urllib3.disable_warnings(requests.packages.urllib3.exceptions.InsecureRequestWarning)

    def send(
        self, method: str, url: str, data: bytes | None, headers: dict[str, str], timeout: float, deadline: Deadline
    ) -> RawResponse:
        """Send one request and read its response; raises whatever requests, urllib3, a socket or a limit raises."""
        self._deadline = deadline
        with self._session.request(
            method,
            url,
            data=data,
            headers=headers,
            timeout=timeout,
            verify=self._verify,
            allow_redirects=False,  # X-DC-DEVKEY would be sent to the target of the redirect
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.raw.stream(65536, decode_content=False):
                deadline.check()
                content += chunk
                if len(content) > MAX_BODY:
                    raise OversizedError
            _check_length(response.status_code, response.headers, len(content))
            return RawResponse(response.status_code, response.headers, _decode(content, response.headers))


def _check_length(status: int, headers: t.Mapping[str, str], received: int) -> None:
    """Refuse a body that is shorter than promised; urllib3 1.26 does not look."""
    length = headers.get("Content-Length", "")
    if "Transfer-Encoding" not in headers and status not in (204, 304) and length.isdigit() and received < int(length):
        raise IncompleteError


def _decode(content: bytearray, headers: t.Mapping[str, str]) -> bytes:
    """Undo one encoding, of limited size: none was requested, but a gateway may use one anyway."""
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity") or not content:
        return bytes(content)
    if encoding not in ENCODINGS:
        raise EncodedError
    import zlib

    try:
        decoder = zlib.decompressobj(ENCODINGS[encoding])
        decoded = decoder.decompress(bytes(content), MAX_BODY + 1)
    except zlib.error:
        raise EncodedError from None
    if len(decoded) > MAX_BODY:
        raise OversizedError
    if not decoder.eof:
        raise IncompleteError
    if decoder.unused_data:  # what follows would be lost
        raise EncodedError
    return decoded


def _new_session(requests: t.Any, current: t.Callable[[], Deadline]) -> t.Any:
    """Return a session whose connections ask the current deadline before they send."""

    class Session(requests.Session):  # type: ignore[misc]
        def get_redirect_target(self, _response: t.Any) -> None:
            """Return no target, or requests would read the whole body without a limit to prepare the next request."""

    class Adapter(requests.adapters.HTTPAdapter):  # type: ignore[misc]
        def init_poolmanager(self, *args: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*args, **options)
            _bound(self.poolmanager, current)

        def proxy_manager_for(self, *args: t.Any, **options: t.Any) -> t.Any:
            return _bound(super().proxy_manager_for(*args, **options), current)

    session = Session()
    adapter = Adapter()
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    # With an authenticator of its own, requests does not look into ~/.netrc for one.
    session.auth = lambda request: request
    return session


def _bound(manager: t.Any, current: t.Callable[[], Deadline]) -> t.Any:
    """Return a urllib3 PoolManager of any kind whose connections keep the limits."""
    pools = manager.pool_classes_by_scheme
    if not any(hasattr(pool, "is_bounded") for pool in pools.values()):
        manager.pool_classes_by_scheme = {scheme: _bounded_pool(pool, current) for scheme, pool in pools.items()}
    return manager


def _bounded_pool(pool: t.Any, current: t.Callable[[], Deadline]) -> type:
    base: t.Any = pool.ConnectionCls

    class _Connection(base):  # type: ignore[misc]
        response_class = _response_class()
        is_ready = False  # connected, through a proxy's tunnel where there is one

        def connect(self) -> None:
            self.is_ready = False
            super().connect()
            self.is_ready = True

        def send(self, data: t.Any) -> None:
            if self.sock is None:
                self.connect()
            if self.is_ready:  # and not the CONNECT for a tunnel
                current().begin_sending()
            super().send(data)

    _Connection.__name__ = base.__name__  # urllib3 shows it
    return type(pool.__name__, (pool,), {"ConnectionCls": _Connection, "is_bounded": True})


def _response_class() -> type:
    import http.client

    class _Response(http.client.HTTPResponse):
        def __init__(self, *args: t.Any, **options: t.Any) -> None:
            super().__init__(*args, **options)
            self.fp: t.Any = _BoundedFile(self.fp)

        def _read_status(self) -> tuple[str, int, str]:
            """Read the status line of the response that counts, past interim ones (RFC 9110, 15.2)."""
            for _ignored in range(MAX_INTERIM):
                found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
                if not 100 <= found[1] <= 199 or found[1] == 101:
                    return found
                http.client.parse_headers(self.fp)
            raise OversizedError

    return _Response


class _BoundedFile:
    """The file that a response is read from, up to MAX_RAW bytes."""

    def __init__(self, file: t.Any) -> None:
        self._file = file
        self._left = MAX_RAW

    def _count(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left <= 0:
            raise OversizedError
        return data

    def _most(self, size: int | None) -> int:
        return self._left if size is None or size < 0 else min(size, self._left)

    def read(self, size: int | None = -1) -> bytes:
        return self._count(self._file.read(self._most(size)))

    def read1(self, size: int | None = -1) -> bytes:
        return self._count(self._file.read1(self._most(size)))

    def readline(self, size: int | None = -1) -> bytes:
        return self._count(self._file.readline(self._most(size)))

    def readinto(self, buffer: t.Any) -> int:
        count: int = self._file.readinto(buffer)
        self._left -= count
        if self._left <= 0:
            raise OversizedError
        return count

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._file, name)  # peek, flush, close, closed, fileno
