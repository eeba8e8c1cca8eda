# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One certificate to order, and the answers that the service may give."""

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certificates import Bundle, read_certificates
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance import Issuance, Wishes
from ansible_collections.community.digicert.plugins.module_utils._order_marker import Marker, Record
from ansible_collections.community.digicert.plugins.module_utils._order_placing import Progress
from cryptography import x509

from tests.support.orders import FakeClient, request_for
from tests.support.pki import KEY, MIDDLE, new_csr, pem, pem_all

CSR = new_csr("www.example.com", key=KEY)
REQUEST = request_for(csr=CSR)
LEAF = MIDDLE.leaf("www.example.com")
TEXT = pem_all(LEAF)
POST, GET, LIST = "^POST /order", r"^GET /order/certificate/\d+$", r"^GET /order/certificate\?"
CHECK, DOWNLOAD = "^PUT .*/check-dcv$", "^GET .*/download/.*pem_all$"
IMMEDIATE = {
    "id": 7,
    "certificate_id": 9,
    "certificate_chain": [
        {"pem": block + "-----END CERTIFICATE-----\r\n"} for block in TEXT.split("-----END CERTIFICATE-----\r\n")[:-1]
    ],
}
PENDING = {"id": 7, "requests": [{"id": 1, "status": "pending"}], "dcv_random_value": "random"}
VALID = {"order_status": "pending", "dcv_status": "valid"}
NOT_FOUND = DigicertError("Not found.", status=404, code="not_found|order")


def info(
    order_id: int = 7, status: str = "issued", csr: str | None = CSR, serial: int | None = LEAF.serial_number
) -> t.Any:
    certificate = {"id": 9, "common_name": "www.example.com", "dns_names": ["www.example.com"], "csr": csr}
    if serial is not None:
        certificate["serial_number"] = f"{serial:x}"
    return {"id": order_id, "status": status, "certificate": certificate}


def row(order_id: int = 7, age: float | None = 0, **more: t.Any) -> dict[str, t.Any]:
    created = datetime.now(timezone.utc) - timedelta(hours=age or 0)
    certificate = {"common_name": "www.example.com", "dns_names": ["www.example.com"], **more.pop("certificate", {})}
    dates = {} if age is None else {"date_created": created.isoformat()}
    return {"id": order_id, "status": "pending", "certificate": certificate, **dates, **more}


def rows(*found: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"orders": list(found), "page": {"total": len(found), "limit": 100, "offset": 0}}


def record(order_id: int | None = None, **more: t.Any) -> Record:
    values = {"csr_sha256": REQUEST.csr.fingerprint, "product": REQUEST.product, "common_name": REQUEST.common_name}
    now = time.time()
    return Record(**{**values, "dns_names": (), "first_sent": now, "last_sent": now, "order_id": order_id, **more})


class Case:
    """One certificate, its marker in a folder, and a client that follows rules."""

    def __init__(self, tmp_path: Path) -> None:
        self.client = FakeClient()
        self.path = str(tmp_path / "a.pem")
        self.progress = Progress()
        self.saved: Record | None = None
        self.on = self.client.on

    def remember(self, known: Record) -> None:
        marker = Marker(self.path)
        with marker.locked(0):
            marker.save(known)

    def obtain(self, due: bool = True, request: t.Any = REQUEST, **wishes: t.Any) -> Bundle | None:
        marker = Marker(self.path)
        self.progress = Progress()
        issuance: t.Any = Issuance
        with marker.locked(0):
            try:
                return t.cast(
                    "Bundle | None",
                    issuance(self.client, request, marker, Wishes(due=due, **wishes), self.progress).obtain(),
                )
            finally:
                self.saved = marker.record

    def failure(self, **wishes: t.Any) -> str:
        with pytest.raises(DigicertError) as caught:
            self.obtain(**wishes)
        assert caught.value.message.endswith((".", "Lost."))
        return caught.value.message

    @property
    def verbs(self) -> list[str]:
        return [call.split("/", 1)[0].strip() for call in self.client.calls]


def installed(certificate: x509.Certificate = LEAF) -> t.Any:
    return read_certificates(pem(certificate))[0]
