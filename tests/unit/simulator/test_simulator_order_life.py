# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections 5 to 8 of the API page: an order outlives its certificates, on a clock that the tests move."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.simulator import OrderBehaviour, ServiceBehaviour, Simulator
from tests.support.order_bodies import CSR, FLEX, base64_csr, chain_of, order_body, pem_csr
from tests.support.service_calls import Call, error_code

pytestmark = pytest.mark.usefixtures("issuing")


@pytest.fixture
def issuing(sim: Simulator) -> None:
    """Issue at once, 199-day certificates."""
    sim.seed_auth_key()
    sim.set_order_behaviour(OrderBehaviour(validation="never", certificate_days=199))


def placed(call: Call, *names: str, **changes: Any) -> str:
    """Place an order and return its path."""
    return f"/order/certificate/{call('POST', FLEX, json=order_body(*names, **changes)).json()['id']}"


def reissued(call: Call, order: str, *names: str, **changes: Any) -> Any:
    """Ask for a reissue with a new CSR and return the answer."""
    return call("POST", f"{order}/reissue", json=order_body(*names, csr=base64_csr(), **changes))


def test_a_year_of_reissues(call: Call, sim: Simulator) -> None:
    order = placed(call)
    first = call("GET", order).json()
    sim.advance(days=170)
    answer = reissued(call, order)
    assert (answer.status_code, set(answer.json())) == (201, {"id", "requests", "certificate_id", "certificate_chain"})
    leaf = chain_of(answer)[0]
    assert leaf.not_valid_after_utc == sim.orders()[0].until, "the order ends first"
    assert abs(leaf.not_valid_before_utc - sim.now()) < timedelta(seconds=5)
    assert abs(parsedate_to_datetime(answer.headers["Date"]) - sim.now()) < timedelta(seconds=5)
    info = call("GET", order).json()
    assert (info["id"], info["certificate"]["id"]) == (first["id"], answer.json()["certificate_id"])
    assert (info["status"], info["reissues_count"]) == ("issued", 1)
    assert [request["type"] for request in info["requests"]] == ["new_request", "reissue"]
    [row] = call("GET", f"{order}/reissue").json()["certificates"]
    assert (row["status"], row["valid_till"]) == ("issued", info["order_valid_till"])
    for name in (row["serial_number"], row["serial_number"].lower().lstrip("0"), row["thumbprint"]):
        assert call("GET", f"/order/certificate/{name}").json()["id"] == info["id"]
    old = first["certificate"]
    assert call("GET", f"/order/certificate/{old['serial_number']}").status_code == 404, "not the primary one"
    assert call("GET", f"/certificate/{old['id']}").json()["serial_number"] == old["serial_number"]
    sim.advance(days=200)
    assert error_code(reissued(call, order)) == "order_cannot_be_reissued"


def test_pending_reissue(call: Call, control: Call, sim: Simulator) -> None:
    order = placed(call)
    settings = {"validation": "never", "reissue": "pending"}
    assert control("PUT", "/orders", json=settings).ok
    answer = reissued(call, order).json()
    assert set(answer) == {"id", "requests", "dcv_random_value"}
    assert call("GET", order).json()["status"] == "reissue_pending"
    assert call("PUT", f"{order}/dcv-random-value").json()["dcv_random_value"] == answer["dcv_random_value"]
    [row] = call("GET", f"{order}/reissue").json()["certificates"]
    assert (row["status"], "serial_number" in row) == ("pending", False)
    assert error_code(reissued(call, order)) == "order_cannot_be_reissued"
    assert error_code(call("PUT", f"{order}/revoke")) == "order_cannot_be_revoked"
    for body, code in (({"status": "Canceled", "note": "x"}, "status"), ({"status": "canceled"}, "note")):
        assert error_code(call("PUT", f"{order}/status", json=body)) == f"invalid_value:{code}"
    assert call("PUT", f"{order}/status", json={"status": "canceled", "note": "x"}).status_code == 204
    assert (call("GET", order).json()["status"], sim.orders()[0].reissues) == ("issued", [])
    assert error_code(call("PUT", f"{order}/dcv-random-value")) == "request_already_processed"
    sim.set_service_behaviour(ServiceBehaviour(reissue_status="processing"))
    reissued(call, order)
    assert call("GET", order).json()["status"] == "processing"
    assert call("PUT", f"{order}/check-dcv").json()["order_status"] == "issued"


def test_reissues_that_are_refused(call: Call, sim: Simulator) -> None:
    order = placed(call)
    sim.set_order_behaviour(OrderBehaviour(validation="never", same_csr_refused=True))
    assert error_code(call("POST", f"{order}/reissue", json=order_body())) == "csr_already_used"
    sim.set_order_behaviour(OrderBehaviour(reissue="refused"))
    assert error_code(reissued(call, order)) == "invalid_value:use_auth_key"
    pending = placed(call, use_auth_key=False)
    assert call("PUT", f"{pending}/status", json={"status": "canceled", "note": "x"}).ok
    assert call("GET", pending).json()["status"] == "canceled"
    assert error_code(call("PUT", f"{pending}/status", json={"status": "canceled", "note": "x"}))


@pytest.mark.parametrize(
    ("names", "revoked"),
    [
        (("a.test", "b.test"), False),
        (("a.test", "b.test", "c.test"), False),
        (("a.test",), True),
        (("b.test", "a.test"), True),
    ],
)
def test_names_that_are_lost_revoke_in_72_hours(
    call: Call, sim: Simulator, names: tuple[str, ...], revoked: bool
) -> None:
    order = placed(call, "a.test", "b.test")
    old = call("GET", order).json()["certificate"]["id"]
    assert reissued(call, order, *names).ok
    sim.advance(hours=71)
    assert call("GET", f"/certificate/{old}").json()["status"] == "issued"
    sim.advance(hours=2)
    assert (call("GET", f"/certificate/{old}").json()["status"] == "revoked") == revoked
    assert call("GET", order).json()["certificate"]["status"] == "issued"


def test_renewal(call: Call, sim: Simulator) -> None:
    first = sim.orders()[0].id if sim.orders() else int(placed(call).rsplit("/", 1)[1])
    sim.set_service_behaviour(ServiceBehaviour(renewal_window=True))
    early = call("POST", FLEX, json=order_body(renewal_of_order_id=first))
    assert error_code(early) == "invalid_value:renewal_of_order_id"
    sim.advance(days=300)
    second = placed(call, renewal_of_order_id=first)
    info = call("GET", second).json()
    assert (info["is_renewal"], info["renewed_order_id"]) == (True, first)
    old, new = sim.orders()
    assert (old.is_renewed, call("GET", f"/order/certificate/{first}").json()["is_renewed"]) == (True, True)
    assert new.until - old.until >= timedelta(days=364, hours=23), "what is left is added"


def test_what_the_service_does_by_itself(call: Call, control: Call, sim: Simulator) -> None:
    order = placed(call)
    number = order.rsplit("/", 1)[1]
    assert control("PUT", f"/accounts/main/orders/{number}", json={"auto_reissue": True, "auto_renew": True}).ok
    sim.advance(days=168)
    assert len(sim.orders()[0].enrollments) == 1
    sim.advance(days=2)
    info = call("GET", order).json()
    assert (info["status"], info["auto_reissue"], info["auto_renew"]) == ("reissue_pending", True, True)
    first, second = sim.orders()[0].enrollments
    assert first.certificate is not None
    assert second.created == first.certificate.validity.end - timedelta(days=30), "on its day, not when it was seen"
    assert call("PUT", f"{order}/check-dcv").ok
    sim.advance(days=160)
    assert [one.status for one in sim.orders()] == ["issued"]
    assert control("PUT", "/clock", json={"days": 6}).ok
    renewal = sim.orders()[1]
    assert (renewal.status, renewal.request.renewal_of_order_id, sim.orders()[0].is_renewed) == (
        "pending",
        int(number),
        True,
    )


def test_subscription(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never", certificate_days=46, subscription=True))
    order = placed(call)
    assert call("GET", order).json()["order_valid_till"] == call("GET", order).json()["certificate"]["valid_till"]
    sim.set_service_behaviour(ServiceBehaviour(ended_status="expired"))
    sim.advance(days=46)
    assert call("GET", order).json()["status"] == "expired"


def test_revoke_a_certificate(call: Call) -> None:
    order = placed(call)
    certificate = call("GET", order).json()["certificate"]
    path = f"/certificate/{certificate['serial_number']}/revoke"
    assert error_code(call("PUT", path, json={"revocation_reason": "boredom"})) == "invalid_value:revocation_reason"
    assert call("PUT", path, json={"skip_approval": True}, role="orders").status_code == 403
    asked = call("PUT", path, json={"comments": "leaked", "revocation_reason": "keyCompromise"}, role="orders")
    assert (asked.status_code, asked.json()["type"], asked.json()["status"]) == (201, "revoke", "pending")
    assert call("GET", order).json()["certificate"]["status"] == "issued"
    decision = f"/request/{asked.json()['id']}/status"
    assert call("PUT", decision, json={"status": "approved"}, role="orders").status_code == 403
    assert call("PUT", decision, json={"status": "approved"}).status_code == 204
    assert error_code(call("PUT", decision, json={"status": "approved"})) == "request_already_processed"
    info = call("GET", order).json()
    assert (info["status"], info["certificate"]["status"]) == ("issued", "revoked"), "the order stays open"
    assert error_code(call("PUT", path)) == "certificate_already_revoked"
    assert reissued(call, order).ok
    assert call("GET", order).json()["certificate"]["status"] == "issued"


def test_revoke_an_order(call: Call) -> None:
    order = placed(call)
    assert reissued(call, order).ok
    done = call("PUT", f"{order}/revoke", json={"skip_approval": True})
    assert (done.status_code, done.content) == (204, b"")
    assert (call("GET", order).json()["status"], error_code(reissued(call, order))) == (
        "revoked",
        "order_cannot_be_reissued",
    )


def test_approval(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never", approval=True))
    assert call("POST", FLEX, json=order_body(), role="requester").status_code == 403
    answer = call("POST", FLEX, json=order_body(skip_approval=False), role="requester").json()
    order = f"/order/certificate/{answer['id']}"
    assert call("GET", order).json()["status"] == "needs_approval"
    assert call("PUT", f"/request/{answer['requests'][0]['id']}/status", json={"status": "approved"}).ok
    assert call("GET", order).json()["status"] == "issued"
    waiting = reissued(call, order, skip_approval=False).json()
    assert call("GET", order).json()["status"] == "needs_approval"
    assert call("PUT", f"/request/{waiting['requests'][0]['id']}/status", json={"status": "rejected"}).ok
    assert call("GET", order).json()["status"] == "issued"


def test_reissues_that_repeat_the_primary_certificate(call: Call, sim: Simulator) -> None:
    order = placed(call)
    sim.set_service_behaviour(ServiceBehaviour(reissues_repeat_primary=True))
    [row] = call("GET", f"{order}/reissue").json()["certificates"]
    primary = call("GET", order).json()["certificate"]
    assert (row["id"] != primary["id"], row["serial_number"]) == (True, primary["serial_number"])
    texts = [
        call("GET", f"/certificate/{number}/download/format/pem_all").text for number in (row["id"], primary["id"])
    ]
    assert texts[0] == texts[1]


def test_ignored_tokens_and_random_value(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never", ignores_tokens=True))
    order = placed(call)
    assert call("GET", order).json()["status"] == "pending"
    sim.set_service_behaviour(ServiceBehaviour(dcv_polling=60, random_value_in_info=True))
    assert call("GET", order).json()["dcv_random_value"] == sim.orders()[0].random_value
    sim.advance(seconds=61)
    assert call("GET", order).json()["status"] == "issued", "the service looks by itself"


@pytest.mark.parametrize("csr", [CSR, pem_csr(), pem_csr().replace("\n", "")], ids=["base64", "pem", "pem_line"])
def test_forms_of_the_csr(call: Call, csr: str) -> None:
    assert call("GET", placed(call, csr=csr, dns_names=None)).json()["certificate"]["csr"] == csr
