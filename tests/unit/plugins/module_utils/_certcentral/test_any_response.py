# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any response leads to a result or a DigicertError whose text does not contain a secret."""

from __future__ import annotations

import json
import os
import sys
import time
import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral import (
    auth_key_creation,
    auth_key_deletion,
    auth_keys,
    certificates,
    orders,
    validation,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.transport import RawResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

API_KEY = "the-secret-api-key-of-the-fuzz"
AUTH_KEY = "the-secret-auth-key-of-the-fuzz"
DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
FUZZ = settings(
    max_examples=5000 if DEEP else 100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=not DEEP,
)
KEY = {"auth_key_id": "a1", "auth_key": AUTH_KEY}
CERTIFICATE = {"id": 9, "common_name": "a.example", "dns_names": ["a.example"], "valid_till": "2027-01-01", "csr": "x"}
ROW = {"id": 1, "status": "issued", "date_created": "2026-11-27T00:00:00+00:00", "certificate": CERTIFICATE}
VALID: list[t.Any] = [
    {"auth_keys": [KEY, {**KEY, "auth_key_id": 2, "expiration_datetime": "2030-01-01T00:00:00+00:00"}]},
    {"auth_keys": None},
    KEY,
    {"id": 1, "requests": [{"id": 2, "status": "pending"}], "dcv_random_value": "abc"},
    {"id": 1, "certificate_id": 9, "certificate_chain": [{"pem": "x"}]},
    {"orders": [ROW, {**ROW, "id": 2}], "page": {"total": 2, "limit": 100, "offset": 0}},
    {"certificates": [CERTIFICATE]},
    {"order_status": "pending", "dcv_status": "pending", "dns_name_validations": [{"dns_name": "a", "status": "x"}]},
    ROW,
    *[{"errors": [{"code": code, "message": f"{API_KEY} auth_key={AUTH_KEY}"}]} for code in ("not_found", "c", 7)],
    {"errors": [{"code": "auth_key_exists_for_account", "message": "There is one."}]},
    {"errors": [{"code": "not_found|route", "message": "No route."}]},
]
texts = st.text(max_size=30) | st.sampled_from(
    ["\ud800", "\x1b[31m", "\r\n", "9" * 5000, "NaN", "issued", "0001-01-01"]
)
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from([10**30, -(10**400), 1e300]) | st.floats() | texts
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@st.composite
def mutated(draw: st.DrawFn) -> t.Any:
    """A valid response with some of its values replaced or omitted."""
    value = json.loads(json.dumps(draw(st.sampled_from(VALID))))
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
    for name in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, name
        yield from _places(value[name])


# Python 3.8 sometimes aborts at a limit of recursion that Hypothesis has set. test_client.py has this body there too.
DEEP = b"[" * (100_000 if sys.version_info >= (3, 9) else 1)
bodies = (
    (mutated() | anything).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60)
    | st.sampled_from([b"", b"{", DEEP, b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00"])
    | st.tuples(st.binary(max_size=20), st.binary(max_size=20)).map(API_KEY.encode().join)
)
dates = texts | st.sampled_from(["Mon, 23 Nov 2026 10:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"])
headers = st.fixed_dictionaries(
    {}, optional={"Date": dates, "Retry-After": dates | st.integers().map(str), "Location": texts | st.just(API_KEY)}
)
statuses = st.sampled_from([200, 200, 200, 204, 302, 400, 403, 404, 429, 500, 503]) | st.integers(100, 999)
responses = st.lists(st.builds(RawResponse, statuses, headers, bodies), min_size=1, max_size=6)

ORDER = orders.Order(1)
CALLS: dict[str, t.Callable[[Client], t.Any]] = {
    "create": lambda client: auth_key_creation.ensure_present(client, auth_keys.AuthKeySpec()),
    "rotate": lambda client: auth_key_creation.ensure_present(client, auth_keys.AuthKeySpec(), force=True),
    "create expiring": lambda client: auth_key_creation.ensure_present(client, auth_keys.AuthKeySpec(30, 10)),
    "delete": lambda client: auth_key_deletion.ensure_absent(client, auth_key_id="a1"),
    "delete the permanent": lambda client: auth_key_deletion.ensure_absent(client, permanent=True),
    "order": lambda client: orders.post_order(client, "p", {}, "order", None),
    "reissue": lambda client: orders.post_reissue(client, 1, {}, "reissue", None),
    "info": lambda client: orders.get_order(client, 1),
    "info by serial number": lambda client: orders.get_order(client, "0A"),
    "alternate": lambda client: orders.find_by_alternative_id(client, "a/b"),
    "list": lambda client: orders.list_orders(client, common_name="a.example", serial_number="0A", product="p"),
    "iterate": lambda client: list(orders.iterate_orders(client, {"status": "issued"})),
    "check": lambda client: validation.check_dcv(client, ORDER),
    "random value": lambda client: validation.get_random_value(client, 1),
    "cancel": lambda client: orders.cancel(client, 1, "note"),
    "reissues": lambda client: certificates.list_reissues(client, 1),
    "download": lambda client: certificates.download(client, None, 1),
    "revoke": lambda client: certificates.revoke_order(client, 1, reason="superseded", comments="", skip_approval=True),
}


@pytest.mark.parametrize("name", CALLS)
@FUZZ
@given(given_responses=responses)
def test_any_response_is_a_result_or_one_sentence_without_secrets(
    name: str, given_responses: list[RawResponse]
) -> None:
    client = Client("https://api.example/v2", API_KEY, timeout=2, retry_timeout=3)
    left, clock = list(given_responses), [1000.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: clock[0])
        # A wait of zero seconds must not repeat forever.
        patch.setattr(time, "sleep", lambda seconds: clock.append(clock.pop() + max(seconds, 0.1)))
        patch.setattr(client, "_send", lambda *_ignored: left.pop(0) if len(left) > 1 else left[0])
        error = _failure_of(lambda: str(CALLS[name](client)).encode("utf-8", "surrogatepass"))
    if error is not None:
        shown = error.message + str(error) + repr(error) + str(error.code)
        assert API_KEY not in shown
        assert AUTH_KEY not in shown
        assert error.message.isprintable(), error.message
        assert error.message.endswith("."), error.message
        assert len(error.message) < 3000


def _failure_of(call: t.Callable[[], t.Any]) -> DigicertError | None:
    try:
        call()
    except DigicertError as error:
        return error
    return None
