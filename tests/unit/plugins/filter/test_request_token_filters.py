# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters for request tokens: what they add to the logic, and that the simulator agrees."""

from __future__ import annotations

import time
import traceback
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.filter import order_csr, request_token, request_token_info
from ansible_collections.community.digicert.plugins.test import valid_request_token
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.request_tokens import check_request_token
from tests.simulator.request_tokens import request_token as token_of_simulator
from tests.support.csr_samples import (
    AUTH_KEY,
    EC_KEY,
    any_csr,
    any_key,
    any_pem,
    body,
    pem,
    private_keys,
    real_csr,
)

CSR = pem(real_csr(EC_KEY))
FILTERS: dict[str, t.Callable[..., t.Any]] = {
    **request_token.FilterModule().filters(),
    **order_csr.FilterModule().filters(),
    **request_token_info.FilterModule().filters(),
}
make, order, info = (FILTERS[name] for name in ("request_token", "order_csr", "request_token_info"))
valid = valid_request_token.TestModule().tests()["valid_request_token"]


@given(any_pem, any_key, st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)), st.sampled_from(["base64", "pem"]))
def test_the_simulator_makes_the_same_token_for_the_string_of_the_order(
    csr: str, key: str, moment: datetime, csr_format: str
) -> None:
    timestamp = moment.strftime("%Y%m%d%H%M%S")
    token = make(csr, auth_key=key, timestamp=timestamp, csr_format=csr_format)
    assert token == token_of_simulator(key, order(csr, csr_format=csr_format), timestamp)


@given(any_csr, any_key, st.integers(-31 * 86400, 31 * 86400), st.booleans(), st.text(max_size=20))
def test_the_simulator_and_the_test_agree(csr: str, key: str, age: int, damaged: bool, around: str) -> None:
    moment = datetime.now(timezone.utc) - timedelta(seconds=age)
    token = make(csr, auth_key=key, timestamp=moment.strftime("%Y%m%d%H%M%S"))
    text = around + token[: 63 if damaged else 64] + around
    checked = check_request_token(text, order(csr), key)
    if abs(age) > 2 and abs(age - 30 * 86400) > 2:
        assert valid(text, csr=csr, auth_key=key) is (checked.token is not None)


def test_info_is_plain_values() -> None:
    moment = datetime.now(timezone.utc).replace(microsecond=0)
    shown = info(f"v=1 {make(CSR, auth_key=AUTH_KEY, timestamp=moment.strftime('%Y%m%d%H%M%S'))}")
    assert shown.pop("remaining_days") == pytest.approx(30, abs=0.001)
    assert shown == {
        "timestamp": moment.strftime("%Y%m%d%H%M%S"),
        "created": moment.isoformat(),
        "expires": (moment + timedelta(days=30)).isoformat(),
        "expired": False,
    }


@pytest.mark.parametrize(("age", "expired"), [(29.99, False), (30.01, True)])
def test_info_of_an_old_token(age: float, expired: bool) -> None:
    moment = datetime.now(timezone.utc) - timedelta(days=age)
    shown = info(make(CSR, auth_key=AUTH_KEY, timestamp=moment.strftime("%Y%m%d%H%M%S")))
    assert shown["expired"] is expired
    assert shown["remaining_days"] == pytest.approx(30 - age, abs=0.001)


def test_options_reach_the_logic() -> None:
    before = time.time()
    created = datetime.fromisoformat(info(make(CSR, auth_key=AUTH_KEY, backdate=3600))["created"]).timestamp()
    assert before - 3601 <= created <= time.time() - 3600
    token = make(CSR, auth_key=AUTH_KEY, csr_format="pem")
    assert valid(token, csr=CSR, auth_key=AUTH_KEY, csr_format="pem")
    assert not valid(token, csr=CSR, auth_key=AUTH_KEY)
    assert order(CSR, csr_format="pem") == CSR
    assert order(CSR) == body(CSR)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda secret: make(secret, auth_key=AUTH_KEY), id="request_token"),
        pytest.param(lambda secret: make(CSR, auth_key=secret), id="auth_key"),
        pytest.param(lambda secret: make(CSR, auth_key=AUTH_KEY, timestamp=secret), id="timestamp"),
        pytest.param(lambda secret: make(CSR, auth_key=AUTH_KEY, backdate=secret), id="backdate"),
        pytest.param(lambda secret: make(CSR, auth_key=AUTH_KEY, csr_format=secret), id="csr_format"),
        pytest.param(order, id="order_csr"),
        pytest.param(info, id="request_token_info"),
        pytest.param(lambda secret: valid("", csr=secret, auth_key=AUTH_KEY), id="valid_request_token"),
    ],
)
def test_errors_are_those_of_ansible_and_hold_no_secret(call: t.Callable[[str], object]) -> None:
    secret = private_keys()["PKCS 8"]
    with pytest.raises(AnsibleFilterError) as caught:
        call(secret)
    shown = "".join(traceback.format_exception(caught.value))
    for line in [*secret.splitlines()[1:-1], AUTH_KEY]:
        assert line not in shown
        assert line not in repr(vars(caught.value))


@pytest.mark.parametrize("plugin", [request_token, order_csr, request_token_info, valid_request_token])
def test_documentation_names_the_options_of_the_code(plugin: t.Any) -> None:
    documented = yaml.safe_load(plugin.DOCUMENTATION)
    name = documented["name"]
    function = getattr(plugin, name)
    code = function.__code__
    first, *others = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    assert first
    assert set(documented["options"]) == {"_input", *others}
    positional = documented.get("positional", "")
    assert [word.strip() for word in positional.split(",") if word] == others[: code.co_argcount - 1]
    defaults = {**(function.__kwdefaults__ or {}), **dict(zip(reversed(others), reversed(function.__defaults__ or ())))}
    for option, spec in documented["options"].items():
        assert spec.get("default") == defaults.get(option)
        assert spec.get("required", False) is (option == "_input" or option not in defaults)
