# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of orders beyond the API page, in process and over the control plane."""

from __future__ import annotations

import pytest
from cryptography import x509

from tests.simulator import DcvTargets, OrderBehaviour, Simulator
from tests.support.challenges import serve_challenges
from tests.support.order_bodies import CSR, FLEX, order_body, token
from tests.support.pki import KEY
from tests.support.service_calls import Call


def test_polls_before_issuance(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never", polls=2))
    sim.seed_auth_key()
    placed = call("POST", FLEX, json=order_body()).json()
    assert set(placed) == {"id", "requests", "dcv_random_value"}
    order = f"/order/certificate/{placed['id']}"
    assert call("PUT", f"{order}/check-dcv").json() == {"order_status": "pending", "dcv_status": "valid"}
    assert [call("GET", order).json()["status"] for _ignored in range(4)] == ["pending", "pending", "issued", "issued"]


def test_polls_count_from_the_proof(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never", polls=1))
    order = f"/order/certificate/{call('POST', FLEX, json=order_body(use_auth_key=False)).json()['id']}"
    assert [call("GET", order).json()["status"] for _ignored in range(3)] == ["pending"] * 3
    call("PUT", f"{order}/check-dcv")
    assert [call("GET", order).json()["status"] for _ignored in range(2)] == ["pending", "issued"]


@pytest.mark.parametrize("outcome", ["pending", "needs_approval", "rejected", "canceled"])
def test_outcomes_and_what_follows(call: Call, sim: Simulator, outcome: str) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never", outcome=outcome))  # type: ignore[arg-type]
    sim.seed_auth_key()
    placed = call("POST", FLEX, json=order_body()).json()
    assert "certificate_id" not in placed
    order = f"/order/certificate/{placed['id']}"
    assert call("GET", order).json()["status"] == outcome
    checked = call("PUT", f"{order}/check-dcv").json()
    assert checked == {"order_status": outcome, "dcv_status": "valid"}

    sim.finish_order(placed["id"], "issued")
    assert call("GET", order).json()["status"] == "issued"
    with pytest.raises(ValueError, match="already"):
        sim.finish_order(placed["id"], "issued")


@pytest.mark.parametrize("validation", ["every_order", "once"])
def test_proven_domains(call: Call, sim: Simulator, validation: str) -> None:
    key = sim.seed_auth_key()
    with serve_challenges() as challenges:
        sim.set_order_behaviour(OrderBehaviour(validation=validation))  # type: ignore[arg-type]
        sim.set_dcv_targets(DcvTargets(http=challenges.http, dns=challenges.dns))
        challenges.files = {"example.com": token(key.auth_key)}
        issued = [call("POST", FLEX, json=order_body()).json()]
        challenges.files.clear()
        issued.append(call("POST", FLEX, json=order_body()).json())
    assert ["certificate_id" in answer for answer in issued] == [True, validation == "once"]
    assert len(sim.dcv_checks) == (1 if validation == "once" else 2)


def chain_with(call: Call, sim: Simulator, defect: str) -> list[str]:
    sim.set_order_behaviour(OrderBehaviour(validation="never", defect=defect))  # type: ignore[arg-type]
    sim.seed_auth_key()
    placed = call("POST", FLEX, json=order_body()).json()
    texts = [link["pem"] for link in placed["certificate_chain"]]
    path = f"/certificate/{placed['certificate_id']}/download/format/pem_all"
    assert call("GET", path).text == "".join(texts)
    return texts


@pytest.mark.parametrize("defect", ["none", "other_key", "other_names", "wrong_order"])
def test_defects(call: Call, sim: Simulator, defect: str) -> None:
    chain = [x509.load_pem_x509_certificate(text.encode()) for text in chain_with(call, sim, defect)]
    leaf = chain[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert (leaf.public_key() != KEY.public_key()) == (defect == "other_key")
    assert (names.get_values_for_type(x509.DNSName) != ["example.com"]) == (defect == "other_names")
    assert (leaf.issuer != chain[1].subject) == (defect == "wrong_order")


def test_garbage(call: Call, sim: Simulator) -> None:
    text = chain_with(call, sim, "garbage")[0]
    with pytest.raises(ValueError, match=r".+"):
        x509.load_pem_x509_certificate(text.encode())


def test_control_plane(call: Call, control: Call, sim: Simulator) -> None:
    sim.seed_auth_key()
    assert control("PUT", "/orders", json={"validation": "never", "outcome": "needs_approval"}).ok
    placed = call("POST", FLEX, json=order_body("a.test", "b.test")).json()
    (order,) = control("GET", "/accounts/main/orders").json()["orders"]
    expected = {
        "id": placed["id"],
        "status": "needs_approval",
        "certificate_id": None,
        "product": "ssl_dv_geotrust_flex",
        "common_name": "a.test",
        "dns_names": ["b.test"],
        "csr": CSR,
        "dcv_method": "http-token",
    }
    assert expected.items() <= order.items()
    finished = control("POST", f"/accounts/main/orders/{placed['id']}", json={"outcome": "issued"}).json()
    certificate = sim.orders()[0].certificate
    assert certificate is not None
    assert (finished["status"], finished["certificate_id"]) == ("issued", certificate.id)
    assert control("GET", "/accounts/other/orders").json() == {"orders": []}

    targets = {"http": "127.0.0.1:1", "dns": "127.0.0.1:1", "http_by_domain": {"a.test": "[::1]:2"}}
    assert control("PUT", "/dcv", json=targets).ok
    assert control("PUT", "/orders", json={}).ok
    call("POST", FLEX, json=order_body("a.test"))
    (check,) = control("GET", "/dcv").json()["checks"]
    assert (check["domain"], check["method"], check["proof"]) == ("a.test", "http-token", None)


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("PUT", "/orders", {"outcome": "lost"}),
        ("PUT", "/orders", {"polls": -1}),
        ("PUT", "/orders", {"polls": "many"}),
        ("PUT", "/orders", {"price": 0}),
        ("PUT", "/dcv", {"http": "localhost"}),
        ("PUT", "/dcv", {"dns": "localhost:53"}),
        ("PUT", "/limits", {}),
        ("POST", "/accounts/main/orders/1", {"outcome": "issued"}),
        ("POST", "/accounts/nobody/orders/1", {"outcome": "issued"}),
    ],
)
def test_bad_settings_are_refused(control: Call, method: str, path: str, value: object) -> None:
    answer = control(method, path, json=value)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
