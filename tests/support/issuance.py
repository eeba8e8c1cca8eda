# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One certificate in a folder, and a service in this process that responds by pattern, without waits."""

from __future__ import annotations

import re
import time
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff, Response
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance import request as requests
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import InstallPaths
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Journal, JournalEntry
from ansible_collections.community.digicert.plugins.module_utils._issuance.workflow import (
    Outcome,
    Workflow,
    install_files,
)

from tests.support.pki import KEY, MIDDLE, ROOT, new_csr, pem, pem_all

NAME = "www.example.com"
POST, REISSUE = "POST /order/certificate/ssl", "POST .*/reissue$"
INFO, LIST, REISSUES = r"GET /order/certificate/\w+$", r"GET /order/certificate\?", "GET .*/reissue$"
ALTERNATE, CHECK, DOWNLOAD = "GET /order/alternate/", "PUT .*/check-dcv$", "GET .*/pem_all$"


class PatternClient:
    """Responds by pattern: the last rule that matches "METHOD path" responds, and repeats its last response."""

    timeout = 30.0

    def __init__(self) -> None:
        self.rules: list[tuple[str, list[t.Any]]] = []
        self.calls: list[str] = []
        self.bodies: list[t.Any] = []
        self.ahead = timedelta(0)  # of the service's clock
        self._has_answered = False

    def on(self, pattern: str, *answers: t.Any) -> None:
        """Add a rule: values, or exceptions to raise."""
        self.rules.insert(0, (pattern, list(answers)))

    def request(self, method: str, path: str, _purpose: str, **options: t.Any) -> Response:
        """Answer like `Client.request`."""
        call = f"{method} {path}"
        self.calls.append(re.sub(r"\?.*", "", call))
        self.bodies.append(options.get("body"))
        self._has_answered = True
        answers = next((answers for pattern, answers in self.rules if re.search(pattern, call)), None)
        assert answers is not None, call
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, DigicertError):
            raise answer
        return Response(200, answer)

    def prepare(self) -> None:
        """Need nothing."""

    def backoff(self) -> Backoff:
        """Allow one try."""
        return Backoff(0)

    def now(self) -> datetime:
        """Return the time by the service's clock."""
        return datetime.fromtimestamp(time.time(), timezone.utc) + self.ahead

    @property
    def service_time(self) -> datetime | None:
        """The same once something was answered."""
        return self.now() if self._has_answered else None

    @property
    def clock_difference(self) -> timedelta | None:
        """How far the service's clock is ahead."""
        return self.ahead if self._has_answered else None

    def where(self, purpose: str) -> str:
        """Return the beginning of a message."""
        return f"Cannot {purpose} at the test: "


class Case:
    """A certificate in a folder, 10 days before its end, whose order is 7."""

    def __init__(self, folder: Path) -> None:
        self.client = PatternClient()
        self.paths = InstallPaths(str(folder / "a.pem"))
        self.csr = new_csr(NAME, key=KEY)
        self.old = MIDDLE.leaf(NAME, days=10, age=89)
        self.new = MIDDLE.leaf(NAME, days=198)
        self.workflow: Workflow | None = None
        self.client.on(LIST, {"orders": [], "page": {"total": 0}})
        self.client.on(ALTERNATE, {"orders": []})
        self.client.on(DOWNLOAD, pem_all(self.new))
        self.client.on(REISSUES, {"certificates": []})
        chain = [{"pem": pem(each)} for each in (self.new, MIDDLE.certificate, ROOT.certificate)]
        self.client.on(POST, {"id": 8, "certificate_id": 90, "certificate_chain": chain})
        self.client.on(REISSUE, {"id": 7, "certificate_id": 91, "certificate_chain": chain})
        self.client.on(INFO, self.order())

    def install(self, entry: JournalEntry | None = None) -> None:
        """Install the old certificate and a journal."""
        Path(str(self.paths.path)).write_text(pem(self.old))
        Journal(self.paths.path).save(entry or JournalEntry(order_id=7, names=(NAME,)))

    def order(self, **more: t.Any) -> dict[str, t.Any]:
        """Return order info of the order 7, whose certificate is the old one; ends in 200 days."""
        certificate = {
            "id": 70,
            "common_name": NAME,
            "dns_names": [NAME],
            "csr": new_csr(NAME),
            "serial_number": f"{self.old.serial_number:x}",
            "valid_till": self.day(10),
            **more.pop("certificate", {}),
        }
        common = {"id": 7, "status": "issued", "order_valid_till": self.day(200), "date_created": self.day(-165)}
        return {**common, "product": {"name_id": "ssl_dv_geotrust_flex"}, "certificate": certificate, **more}

    def orders(self, *rows: dict[str, t.Any]) -> None:
        """Let the list show these orders."""
        self.client.on(LIST, {"orders": list(rows), "page": {"total": len(rows)}})

    def day(self, days: float) -> str:
        """Return the date in so many days, by the service's clock."""
        return f"{self.client.now() + timedelta(days=days):%Y-%m-%d}"

    def run(self, check_mode: bool = False, **options: t.Any) -> Outcome:
        """Run the workflow once."""
        values = {**requests.DEFAULTS, "dcv_method": "dns-txt-token", "wait_timeout": 0, **options}
        wanted = requests.certificate_request(self.csr, values)
        client: t.Any = self.client
        self.workflow = Workflow(client, wanted, requests.issuance_options(values), self.paths)
        return self.workflow.run(install_files, check_mode)

    @property
    def sent(self) -> list[str]:
        """The requests that change something."""
        return [call for call in self.client.calls if not call.startswith("GET")]

    @property
    def entry(self) -> JournalEntry:
        """The content of the journal on the disk."""
        journal = Journal(self.paths.path)
        journal.load()
        return journal.entry
