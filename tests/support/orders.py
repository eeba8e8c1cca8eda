# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of orders and certificates share: a request, and a client that follows a script."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.community.digicert.plugins.module_utils._client import Answer
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._order_request import OrderRequest, order_request

from tests.support.pki import KEY, new_csr

OPTIONS: dict[str, t.Any] = {
    "common_name": None,
    "dns_names": None,
    "product": "ssl_dv_geotrust_flex",
    "dcv_method": "dns-txt-token",
    "use_auth_key": True,
    "csr_format": "base64",
    "order_validity": None,
    "cert_validity_days": None,
    "container_id": None,
    "payment_method": None,
    "skip_approval": True,
    "comments": None,
    "custom_fields": None,
    "renewal_of_order_id": None,
    "additional_fields": None,
    "remaining_days": 30,
    "order_id": None,
}


def request_for(*names: str, csr: str | None = None, **options: t.Any) -> OrderRequest:
    """Return an order request for names, with the key `KEY`."""
    return order_request(csr or new_csr(*names, key=KEY), {**OPTIONS, **options})


class FakeBackoff:
    """Time passes at once; `tries` waits are allowed."""

    def __init__(self, tries: int) -> None:
        self.tries = tries

    def wait(self, _at_least: float = 0.0) -> bool:
        self.tries -= 1
        return self.tries >= 0


class FakeClient:
    """Answers by pattern: the first rule whose pattern fits "METHOD path" answers; a list answers one by one."""

    timeout = 0.0

    def __init__(self, tries: int = 5) -> None:
        self.tries = tries
        self.rules: list[tuple[str, t.Any]] = []
        self.calls: list[str] = []
        self.bodies: list[t.Any] = []

    def on(self, pattern: str, *answers: t.Any) -> FakeClient:
        """Add a rule: values, exceptions to raise, or functions that return either; the last one stays."""
        self.rules.append((pattern, list(answers)))
        return self

    def request(self, method: str, path: str, _purpose: str, **options: t.Any) -> Answer:
        call = f"{method} {path}"
        self.calls.append(re.sub(r"\?.*", "", call))
        self.bodies.append(options.get("body"))
        for pattern, answers in self.rules:
            if re.search(pattern, call):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                answer = answer() if callable(answer) else answer
                if isinstance(answer, DigicertError):
                    raise answer
                return Answer(200, answer)
        raise AssertionError(call)

    def backoff(self) -> FakeBackoff:
        return FakeBackoff(self.tries)

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def where(self, purpose: str) -> str:
        return f"Cannot {purpose} at the test: "


def lost(**more: t.Any) -> DigicertError:
    """Return the error of a lost answer."""
    return DigicertError("Lost.", lost=True, **more)
