# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any answer at all: what comes of it is a result or a DigicertError, and no secret is in its text."""

from __future__ import annotations

import copy
import json
import os
import typing as t
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils import _client
from ansible_collections.community.digicert.plugins.module_utils._client import Client
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance import Issuance, Wishes, issued_chain
from ansible_collections.community.digicert.plugins.module_utils._order_marker import Marker
from ansible_collections.community.digicert.plugins.module_utils._order_placing import Progress
from ansible_collections.community.digicert.plugins.module_utils._orders import list_orders
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from tests.support.orders import request_for
from tests.support.pki import KEY, MIDDLE, ROOT, new_csr, pem, pem_all

API_KEY = "the-secret-api-key-of-the-fuzz"
ESCAPED = "".join(f"\\u{ord(c):04x}" for c in API_KEY).encode()  # as JSON may have it
AUTH_KEY = "the-secret-auth-key-of-the-fuzz"
DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
FUZZ = settings(
    max_examples=5000 if DEEP else 60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=not DEEP,
)
NAME = "www.example.com"
CSR = new_csr(NAME, key=KEY)
REQUEST = request_for(NAME, csr=CSR)
LEAF = MIDDLE.leaf(NAME)
CHAIN = [{"subject_common_name": "x", "pem": pem(each)} for each in (LEAF, MIDDLE.certificate, ROOT.certificate)]
CERTIFICATE = {
    "id": 9,
    "common_name": NAME,
    "dns_names": [NAME],
    "csr": CSR,
    "valid_till": "2027-01-01",
    "serial_number": f"{LEAF.serial_number:X}",
}
ROW = {
    "id": 1,
    "status": "issued",
    "date_created": datetime.now(timezone.utc).isoformat(),
    "product": {"name_id": "ssl_dv_geotrust_flex"},
    "certificate": CERTIFICATE,
}
KEY = {"auth_key_id": "a1", "auth_key": AUTH_KEY}
EXPIRING = {**KEY, "auth_key_id": "b2", "expiration_datetime": "2030-01-01T00:00:00+00:00"}
VALID: list[t.Any] = [
    {"auth_keys": [KEY, EXPIRING]},
    {"auth_keys": []},
    KEY,
    EXPIRING,
    {"id": 1, "requests": [{"id": 2, "status": "pending"}], "dcv_random_value": "abc"},
    {"id": 1, "requests": [{"id": 2, "status": "approved"}], "certificate_id": 9, "certificate_chain": CHAIN},
    {"orders": [ROW, {**ROW, "id": 2}], "page": {"total": 2, "limit": 100, "offset": 0}},
    ROW,
    {**ROW, "status": "pending"},
    {"order_status": "issued", "dcv_status": "valid", "certificate_id": 9},
    {"errors": [{"code": "auth_key_exists_for_account", "message": "There is one."}]},
    {"errors": [{"code": "not_found|route", "message": "No route."}]},
    {"errors": [{"code": "not_found", "message": "Nothing."}]},
]

texts = st.text(max_size=30) | st.sampled_from(["\ud800", "\x1b[31m", "\r\n", "9" * 5000, "NaN", "issued"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -(10**400), 0])
    | st.floats()
    | texts
    | st.sampled_from(["0000-00-00", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "2030-01-01Z"])
)
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@st.composite
def mutated(draw: st.DrawFn) -> t.Any:
    """A valid answer with some of its values replaced or left out."""
    value = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ignored in range(draw(st.integers(0, 3))):
        places = list(_places(value))
        if places:
            holder, name = draw(st.sampled_from(places))
            if draw(st.booleans()):
                holder[name] = draw(anything)
            else:
                del holder[name]
    return value


def _places(value: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    """Yield each list or object in a value with each of its indexes or names."""
    for name in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, name
        yield from _places(value[name])


def _encoded(value: t.Any) -> bytes:
    return json.dumps(value).encode()


bodies = (
    mutated().map(_encoded)
    | anything.map(_encoded)
    | st.binary(max_size=60)
    | st.sampled_from([b"", b"{", b"[" * 100_000, pem_all(LEAF).encode(), b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00"])
    | st.tuples(st.binary(max_size=20), st.binary(max_size=20)).map(API_KEY.encode().join)
    | st.sampled_from([b'{"errors": [{"code": "c", "message": "%s"}]}' % key for key in (API_KEY.encode(), ESCAPED)])
    | st.sampled_from([b'{"errors": [{"code": "%s"}]}' % key for key in (API_KEY.encode(), ESCAPED)])
)
dates = st.text(max_size=30) | st.sampled_from(
    [
        "Mon, 23 Nov 2026 10:00:00 GMT",
        "Mon, 23 Nov 2026 10:00:00 +9999",
        "Mon, 23 Nov 2026 10:00:00",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Mon, 23 Nov 2026 10:00:00 +99999999999999999999",
    ]
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Date": dates,
        "Retry-After": dates | st.integers().map(str) | st.sampled_from(["9" * 400, "\u0663", "-1"]),
        "Location": texts | st.just(f"https://[::1?key={API_KEY}"),
    },
)
statuses = st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 418, 429, 500, 502, 503]) | st.integers(
    100, 999
)
answers = st.lists(st.tuples(statuses, headers, bodies), min_size=1, max_size=6)
Answers = t.List[t.Tuple[int, t.Dict[str, str], bytes]]


class Wire:
    """A client whose exchanges are answered from a list, the last one again and again; time passes at once."""

    def __init__(self, given_answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
        """Use these answers."""
        self.answers = list(given_answers)
        self.now = 1000.0
        self.client = Client("https://api.example/v2", API_KEY, timeout=2, retry_timeout=3)
        monkeypatch.setattr(self.client, "_send", self._send)
        monkeypatch.setattr(_client, "within", lambda _seconds, call: call())
        monkeypatch.setattr(_client.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(_client.time, "sleep", self._sleep)

    def _send(self, _method: str, _url: str, _data: t.Any, _text: bool) -> tuple[int, t.Any, bytes]:
        status, head, body = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return status, CaseInsensitiveDict(head), body

    def _sleep(self, seconds: float) -> None:
        # A wait of nothing must not be without end.
        self.now += max(seconds, 0.1)


def _harmless(call: t.Callable[[], t.Any]) -> None:
    """Call; what is raised is a DigicertError whose text is one line, of a readable length, without secrets."""
    failure = _failure_of(call)
    if failure is None:
        return
    told = failure.message + str(failure) + repr(failure) + str(failure.code)
    assert API_KEY not in told
    assert AUTH_KEY not in told
    assert failure.message.isprintable(), failure.message
    assert failure.message.endswith("."), failure.message
    assert len(failure.message) < 3000


def _failure_of(call: t.Callable[[], t.Any]) -> DigicertError | None:
    try:
        call()
    except DigicertError as error:
        return error
    return None


@FUZZ
@given(answers=answers, order_id=st.none() | st.just(1), wait=st.booleans(), remembered=st.booleans())
def test_any_answer_to_an_order(answers: Answers, order_id: int | None, wait: bool, remembered: bool) -> None:
    marker = Marker(None)
    progress = Progress()
    with pytest.MonkeyPatch.context() as patch:
        client = Wire(answers, patch).client
        wishes = Wishes(due=True, order_id=order_id, wait=wait, wait_timeout=5)
        issuance = Issuance(client, REQUEST, marker, wishes, progress)
        if remembered:
            marker.save(issuance.placing.new_record())
        _harmless(issuance.obtain)
        if progress.order is not None:
            for text in (progress.order.status, progress.order.dcv_random_value or ""):
                assert text.isprintable()
            json.dumps(progress.order.order_id)


@FUZZ
@given(answers=answers)
def test_any_answer_to_the_look_for_a_chain(answers: Answers) -> None:
    from ansible_collections.community.digicert.plugins.module_utils._certificates import read_certificates

    [leaf] = read_certificates(pem(LEAF))
    with pytest.MonkeyPatch.context() as patch:
        _harmless(lambda: issued_chain(Wire(answers, patch).client, REQUEST, leaf, None, Progress()))
        _harmless(lambda: list_orders(Wire(answers, patch).client, NAME))


@FUZZ
@given(content=st.binary(max_size=200) | anything.map(_encoded) | mutated().map(_encoded))
def test_any_marker(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    assume(content)
    folder: Path = tmp_path_factory.getbasetemp()
    marker = Marker(str(folder / "fuzz.pem"))
    (folder / ".fuzz.pem.order.json").write_bytes(content)
    _harmless(marker.load)
