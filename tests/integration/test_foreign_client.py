# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator works with another project's client of the service: certmesh, from the package index.

FOREIGN_CLIENT is its installation folder, which the session `integration` of noxfile.py sets.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from cryptography import x509

from tests.simulator import OrderBehaviour, ServiceBehaviour, Simulator
from tests.support.gaps import package_folder

NAME = "new.example.com"
SCRIPT = """
import dataclasses, json, sys
from certmesh.providers import digicert_client as client

call, settings, options = json.load(sys.stdin)
connection = (settings, {}, None)
if call == "order":
    bundle = client.order_and_await_certificate(*connection, client.OrderRequest(**options))
    print(json.dumps([bundle.certificate_pem, bundle.chain_pem]))
else:
    result = getattr(client, call)(*connection, **options)
    plain = [dataclasses.asdict(row) for row in result] if isinstance(result, list) else result
    print(json.dumps(dataclasses.asdict(plain) if dataclasses.is_dataclass(plain) else plain))
"""


@pytest.fixture
def folder() -> str:
    return package_folder("foreign")


def test_list_search_describe_order_and_revoke(simulator: Simulator, folder: str) -> None:
    simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    simulator.set_service_behaviour(ServiceBehaviour(dcv_polling=0))  # it never asks for a check

    def client(call: str, **options: Any) -> Any:
        retry = {"max_attempts": 1}
        polling = {"interval_seconds": 1, "max_wait_seconds": 20}
        settings = {"base_url": simulator.url, "ca_bundle": str(simulator.ca_file), "retry": retry, "polling": polling}
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": folder, "CM_DIGICERT_API_KEY": simulator.keys["full"]}
        asked = json.dumps([call, settings, options])
        command = [sys.executable, "-c", SCRIPT]
        run = subprocess.run(command, input=asked, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    seeded = simulator.seed_order("old.example.com", "www.old.example.com")
    certificate, _chain = client(
        "order", common_name=NAME, product_name_id="ssl_dv_geotrust_flex", dcv_method="dns-txt-token", key_size=2048
    )
    order = simulator.orders()[-1]
    assert order.certificate is not None
    leaf = x509.load_pem_x509_certificate(certificate.encode())
    assert leaf.serial_number == int(order.certificate.serial_number, 16)

    listed = client("list_issued_certificates", page_size=1)
    assert [row["order_id"] for row in listed] == [order.id, seeded.id], "over two pages"
    [found] = client("search_certificates", common_name=NAME, status="issued")
    assert (found["certificate_id"], found["serial_number"]) == (order.certificate.id, order.certificate.serial_number)
    described = client("describe_certificate", certificate_id=order.certificate.id)
    assert (described["common_name"], described["order_id"], described["status"]) == (NAME, order.id, "issued")

    revoked = client("revoke_certificate", order_id=order.id, reason="superseded", comments="replaced")
    assert revoked["status"] == "revoked"
    assert simulator.orders()[-1].primary.revoked
    assert not simulator.orders()[0].primary.revoked
