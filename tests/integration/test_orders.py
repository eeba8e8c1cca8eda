# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Existing orders: list them, cancel pending ones, revoke certificates."""

from __future__ import annotations

import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from ansible_collections.community.digicert.plugins.module_utils._certcentral import confirmation

from tests.simulator import Fault, OrderBehaviour, ServiceBehaviour, Simulator
from tests.simulator.orders import Order
from tests.support.calls import calls
from tests.support.module_runs import run_module
from tests.support.pki import new_csr

INFO, CANCEL, REVOKE = "digicert_order_info", "digicert_order_cancel", "digicert_certificate_revoke"


def run(simulator: Simulator, module: str, **options: t.Any) -> dict[str, t.Any]:
    """Run a module against the simulator; `check_mode` and the role of the API key, `key`, are options too."""
    check_mode, key = options.pop("check_mode", False), options.pop("key", "full")

    def shorten() -> None:
        confirmation.PATIENCE = 1.0

    connection = {"api_key": simulator.keys[key], "api_url": simulator.url, "ca_path": str(simulator.ca_file)}
    return run_module(
        module, {**connection, "timeout": 5, "retry_timeout": 5, **options}, check_mode=check_mode, prepare=shorten
    )


def reissue(simulator: Simulator, order_id: int, *names: str) -> None:
    """Reissue an order without the modules."""
    csr = new_csr(*names)
    body: dict[str, t.Any] = {
        "certificate": {"common_name": names[0], "dns_names": list(names[1:]), "csr": csr},
        "skip_approval": True,
    }
    url = f"{simulator.http_url}/order/certificate/{order_id}/reissue"
    body |= {"dcv_method": "dns-txt-token", "use_auth_key": True}
    answer = requests.post(url, json=body, headers={"X-DC-DEVKEY": simulator.keys["full"]}, timeout=10)
    assert answer.ok, answer.text


def order_of(simulator: Simulator, order_id: int) -> Order:
    """Return an order of the simulator."""
    return next(order for order in simulator.orders() if order.id == order_id)


def serial_number(simulator: Simulator, order_id: int) -> str:
    """Return the serial number of an order's current certificate, as the API shows it."""
    url = f"{simulator.http_url}/order/certificate/{order_id}"
    answer = requests.get(url, headers={"X-DC-DEVKEY": simulator.keys["full"]}, timeout=10)
    return str(answer.json()["certificate"]["serial_number"])


@pytest.fixture
def account(simulator: Simulator) -> dict[str, int]:
    """An account with an order of each kind: name -> order id."""
    simulator.seed_auth_key()
    simulator.set_order_behaviour(OrderBehaviour(polls=1000))
    pending = simulator.seed_order("pending.example.com", outcome="pending")
    simulator.set_order_behaviour(OrderBehaviour(validation="never", certificate_days=199))
    now = simulator.now()
    ages = {"new": 0, "aging": 190, "ending": 350}
    orders = {
        name: simulator.seed_order(f"{name}.example.com", created=now - timedelta(days=age))
        for name, age in ages.items()
    }
    orders["reissued"] = simulator.seed_order("reissued.example.com", created=now - timedelta(days=100))
    orders["pending"] = pending
    reissue(simulator, orders["reissued"].id, "reissued.example.com")
    return {name: order.id for name, order in orders.items()}


def test_list_orders(simulator: Simulator, account: dict[str, int]) -> None:
    def ids(**options: t.Any) -> set[str]:
        found = run(simulator, INFO, key="view_only", **options)
        assert found["rc"] == 0, found
        assert found["changed"] is False
        names = {number: name for name, number in account.items()}
        return {names[row["order_id"]] for row in found["orders"]}

    assert ids() == set(account)
    assert ids(status="pending") == {"pending"}
    assert ids(common_name="new.example.com") == {"new"}
    assert ids(expiring_within_days=30) == {"aging"}
    assert ids(order_ending_within_days=30) == {"ending"}
    assert ids(order_id=account["new"]) == {"new"}
    assert ids(serial_number=serial_number(simulator, account["reissued"])) == {"reissued"}
    simulator.set_service_behaviour(ServiceBehaviour(list_ignores=("filters", "status", "sort"), largest_page=2))
    assert ids(status="pending") == {"pending"}
    assert ids() == set(account)


def test_what_is_known_of_an_order(simulator: Simulator, account: dict[str, int]) -> None:
    simulator.configure_order(account["reissued"], auto_reissue=True)
    [row] = run(simulator, INFO, order_id=account["reissued"], include_reissues=True)["orders"]
    assert row["dns_names"] == ["reissued.example.com"]
    assert row["auto_reissue"] is True
    assert row["is_renewed"] is False
    assert 198 <= row["certificate_days_left"] <= 199
    assert 264 <= row["order_days_left"] <= 265
    assert [each["status"] for each in row["certificates"]] == ["issued"]
    assert simulator.keys["full"] not in str(row)


def test_cancel(simulator: Simulator, account: dict[str, int]) -> None:
    pending = {"order_id": account["pending"]}
    assert run(simulator, CANCEL, **pending, check_mode=True)["changed"] is True
    assert run(simulator, INFO, **pending)["orders"][0]["status"] == "pending"
    done = run(simulator, CANCEL, **pending)
    assert (done["changed"], done["order_status"]) == (True, "canceled")
    again = run(simulator, CANCEL, **pending)
    assert (again["changed"], again["order_status"]) == (False, "canceled")
    refused = run(simulator, CANCEL, order_id=account["new"])
    assert "is issued and cannot be canceled" in refused["msg"]
    assert run(simulator, CANCEL, order_id=account["new"], target="reissue")["changed"] is False


def test_cancel_a_reissue(simulator: Simulator, account: dict[str, int]) -> None:
    simulator.set_order_behaviour(OrderBehaviour(reissue="pending", validation="never"))
    reissue(simulator, account["new"], "new.example.com")
    assert "target=reissue" in run(simulator, CANCEL, order_id=account["new"])["msg"]
    blocked = run(simulator, REVOKE, serial_number=serial_number(simulator, account["new"]))
    assert "digicert_order_cancel" in blocked["msg"]
    done = run(simulator, CANCEL, order_id=account["new"], target="reissue")
    assert (done["changed"], done["order_status"]) == (True, "issued")


@pytest.mark.parametrize("skip_approval", [True, False])
def test_revoke_a_certificate_in_a_file(
    simulator: Simulator, account: dict[str, int], tmp_path: Path, skip_approval: bool
) -> None:
    certificate = order_of(simulator, account["new"]).enrollments[0].certificate
    assert certificate is not None
    (tmp_path / "a.pem").write_text(certificate.chain[0].pem)
    options = {"path": str(tmp_path / "a.pem"), "revocation_reason": "keyCompromise", "skip_approval": skip_approval}
    predicted = run(simulator, REVOKE, **options, check_mode=True)
    assert (predicted["changed"], predicted["revocation"]) == (True, None)
    done = run(simulator, REVOKE, **options)
    assert (done["changed"], done["order_id"]) == (True, account["new"])
    assert done["revocation"] == ("revoked" if skip_approval else "approval_pending")
    again = run(simulator, REVOKE, **options)
    assert (again["changed"], again["revocation"]) == (False, done["revocation"])
    assert len([call for call in calls(simulator) if call.startswith("PUT")]) == 1


def test_revoke_a_certificate_that_was_replaced_and_keep_the_new_one(
    simulator: Simulator, account: dict[str, int]
) -> None:
    new = serial_number(simulator, account["reissued"])
    old = order_of(simulator, account["reissued"]).enrollments[0]
    done = run(simulator, REVOKE, certificate_id=old.id, skip_approval=True)
    assert (done["changed"], done["revocation"]) == (True, "revoked")
    first, second = order_of(simulator, account["reissued"]).enrollments
    assert (first.revoked, second.revoked) == (True, False)
    again = run(simulator, REVOKE, certificate_id=old.id, skip_approval=True)
    assert (again["changed"], again.get("revocation")) == (False, "revoked"), again
    assert serial_number(simulator, account["reissued"]) == new


def test_a_whole_order_is_revoked_with_a_confirmation_only(simulator: Simulator, account: dict[str, int]) -> None:
    order = {"order_id": account["reissued"], "skip_approval": True}
    assert "confirm=true" in run(simulator, REVOKE, **order)["msg"]
    assert run(simulator, REVOKE, **order, confirm=True)["revocation"] == "revoked"
    again = run(simulator, REVOKE, **order, confirm=True)
    assert (again["changed"], again.get("revocation")) == (False, "revoked"), again


@pytest.mark.parametrize("status", ["processing", "waiting_pickup", "needs_approval"])
def test_a_pending_reissue_is_never_taken_for_a_pending_order(
    simulator: Simulator, account: dict[str, int], status: str
) -> None:
    simulator.set_service_behaviour(ServiceBehaviour(reissue_status=status))
    simulator.set_order_behaviour(OrderBehaviour(reissue="pending", validation="never"))
    reissue(simulator, account["new"], "new.example.com")
    assert "has a pending reissue" in run(simulator, CANCEL, order_id=account["new"])["msg"]
    done = run(simulator, CANCEL, order_id=account["new"], target="reissue")
    assert (done["changed"], done["order_status"]) == (True, "issued")


LOSSES: list[dict[str, t.Any]] = [
    {"status": 403, "body": "<html>Denied</html>"},
    {"status": 502, "body": "<h1>Bad gateway"},
    {"drop": "close"},
    {"status": 200, "body": {"weird": []}},
    {"status": 200, "body": {"status": "ok"}},
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("module", [CANCEL, REVOKE])
def test_a_lost_response_is_looked_up_and_not_repeated_blindly(
    simulator: Simulator, account: dict[str, int], module: str, commit: bool, loss: dict[str, t.Any]
) -> None:
    simulator.inject(Fault(method="PUT", commit=commit, **loss))
    options: dict[str, t.Any] = {"order_id": account["pending"]}
    if module == REVOKE:
        options = {"serial_number": serial_number(simulator, account["new"]), "skip_approval": True}
    if not commit:
        done = run(simulator, module, **options)
        assert "It is unknown whether" in done["msg"], done
        assert done["changed"] is True
        assert len([call for call in calls(simulator) if call.startswith("PUT")]) == 1
        return
    done = run(simulator, module, **options)
    assert done["rc"] == 0, done
    assert done["changed"] is True
    assert len([call for call in calls(simulator) if call.startswith("PUT")]) == 1


def test_a_certificate_is_not_revoked_by_the_id_of_another_one(simulator: Simulator, account: dict[str, int]) -> None:
    number = serial_number(simulator, account["new"])
    other = order_of(simulator, account["aging"]).enrollments[0]
    info = {"/id": account["aging"], "/certificate/id": other.id}
    simulator.inject(Fault(method="GET", edit=info, remove=("/certificate/serial_number",)))
    run(simulator, REVOKE, serial_number=number, skip_approval=True)
    simulator.inject(Fault(method="GET", status=404, body={"errors": [{"code": "not_found", "message": "none"}]}))
    refused = run(simulator, REVOKE, serial_number=str(other.id), skip_approval=True)
    assert "could also be the id of another certificate" in refused["msg"]
    assert order_of(simulator, account["new"]).enrollments[0].revoked is True
    assert order_of(simulator, account["aging"]).enrollments[0].revoked is False


def test_view_only_key_cannot_revoke(simulator: Simulator, account: dict[str, int]) -> None:
    done = run(simulator, REVOKE, key="view_only", order_id=account["new"], confirm=True)
    assert done["http_status"] == 403
    assert "View Only" in done["msg"]
    assert done["changed"] is False
