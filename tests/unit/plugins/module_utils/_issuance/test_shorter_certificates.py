# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service may issue shorter certificates before the dates in the table: no run renews them at once."""

from __future__ import annotations

import math
import time

import pytest
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import JournalEntry

from tests.support.issuance import INFO, NAME, POST, REISSUE, Case
from tests.support.pki import MIDDLE, ROOT, pem

REISSUED = "POST /order/certificate/7/reissue"
DAY = 86400


@pytest.mark.parametrize(("renewal", "remaining_days"), [("auto", None), ("auto", 60), ("auto", 150), ("order", 150)])
@pytest.mark.parametrize("life", [46, 99])
def test_daily_runs_renew_no_earlier_than_they_must(
    case: Case, life: int, renewal: str, remaining_days: int | None
) -> None:
    case.install(JournalEntry(order_id=7, names=(NAME,)))
    case.client.on(INFO, case.order(order_valid_till=case.day(500)))
    third = life / 3
    least = min(30, third) if remaining_days is None else remaining_days if remaining_days < life else third
    due = 0
    renewals: list[int] = []
    for day in range(130):
        if day == due:
            leaf = MIDDLE.leaf(NAME, days=day + life, age=-day)
            chain = [{"pem": pem(each)} for each in (leaf, MIDDLE.certificate, ROOT.certificate)]
            number = 7 if renewal == "auto" else 1000 + day
            case.client.on(REISSUE if renewal == "auto" else POST, {"id": number, "certificate_chain": chain})
            order = case.order(order_valid_till=case.day(500))
            case.client.on(f"GET /order/certificate/{number}$", {**order, "id": number})
            due += math.ceil(life - least)
            renewals.append(day)
        action = case.run(renewal=renewal, remaining_days=remaining_days).action
        assert (action != "none") == (day in renewals), f"day {day}: {action}"
        time.sleep(DAY)
    assert len(renewals) > 1


@pytest.mark.parametrize("renewal", ["auto", "order"])
def test_a_short_certificate_that_was_paid_for_is_fetched(case: Case, renewal: str) -> None:
    known = JournalEntry(order_id=6, names=(NAME,))
    case.install(known)
    short = {"csr": case.csr, "serial_number": "ab", "valid_from": case.day(0), "valid_till": case.day(99)}
    paid = case.order(certificate=short, date_created=case.day(-8))
    case.orders(paid)
    case.client.on(INFO, paid)
    case.client.on("GET /order/certificate/6$", {**case.order(order_valid_till=case.day(10)), "id": 6})
    assert case.run(renewal=renewal, remaining_days=150).action == "continued"
    assert case.sent == []
