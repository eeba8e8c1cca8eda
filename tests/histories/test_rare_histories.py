# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories too rare for chance: crashes between two hosts of one order, and responses with the id of another order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.histories import sites
from tests.histories.clocks import DAY
from tests.histories.issuance_machine import IssuanceMachine
from tests.histories.plans import FAULTLESS
from tests.histories.wire import Fault

WRITES = 40  # more than a run makes


@pytest.fixture
def machine() -> Iterator[IssuanceMachine]:
    """Two hosts that want certificates for the same names, and twelve orders of strangers."""
    machine = IssuanceMachine()
    machine.begin(0.0, 365, 12, True, (sites.LAYOUTS[0],) * 2, ("auto", "auto"), same_names=True)
    yield machine
    machine.teardown()


@pytest.mark.parametrize("at", range(1, WRITES))
def test_an_order_whose_run_crashed_is_finished_after_another_host_reissued_in_it(
    machine: IssuanceMachine, at: int
) -> None:
    crashed, other = machine.sites
    run = machine.start(crashed, FAULTLESS._replace(crash_at=at))
    assert at < WRITES - 1 or run.result is not None, "raise WRITES"
    machine.pause(60.0)
    machine.start(other, FAULTLESS, force=True)
    machine.run_without_faults(0, another_csr=False)
    assert machine.observer.fits(crashed, crashed.leaf())


@pytest.mark.parametrize("at", range(1, WRITES))
def test_a_reissue_whose_run_crashed_is_finished_after_another_host_reissued_in_the_same_order(
    machine: IssuanceMachine, at: int
) -> None:
    crashed, other = machine.sites
    for number in range(2):
        machine.run_without_faults(number, another_csr=False)
    run = machine.start(crashed, FAULTLESS._replace(crash_at=at), force=True)
    assert at < WRITES - 1 or run.result is not None, "raise WRITES"
    machine.start(other, FAULTLESS, force=True)
    machine.run_without_faults(0, another_csr=False)
    assert machine.observer.fits(crashed, crashed.leaf())


@pytest.mark.parametrize("kind", ["order", "reissue"])
def test_what_expired_behind_another_hosts_reissue_is_replaced(machine: IssuanceMachine, kind: str) -> None:
    site, other = machine.sites
    machine.stage.service.order_days = 730
    if kind == "reissue":
        machine.run_without_faults(0, another_csr=False)
        machine.pause(100 * DAY)
        site.csr_serial += 1
    machine.stage.service.outcome = "pending"
    machine.start(site, FAULTLESS, force=kind == "reissue", wait=False)
    assert machine.under_way(site)
    machine.pause(1200.0)
    machine.stage.service.outcome = "issued"
    machine.start(other, FAULTLESS, force=True)
    machine.pause(210 * DAY)
    machine.run_without_faults(0, another_csr=False)
    assert machine.observer.fits(site, site.leaf())


def test_what_a_gateway_refuses_and_the_service_carries_out_minutes_later_is_not_ordered_twice(
    machine: IssuanceMachine,
) -> None:
    late = Fault("carried out late", 403, delay=300.0)
    machine.start(machine.sites[0], FAULTLESS._replace(write_faults=(late,), dies_at=10))
    machine.pause(120.0)
    machine.start(machine.sites[0], FAULTLESS)
    machine.run_without_faults(0, another_csr=False)
    assert machine.stage.counts["orders carried out"] == 1


def test_a_strangers_order_whose_id_a_response_carried_is_neither_reissued_in_nor_renewed(
    machine: IssuanceMachine,
) -> None:
    """Both are judged by the observer."""
    site = machine.sites[0]
    machine.mislead(0, force=False)
    entry = site.entry()
    assert entry is not None
    assert entry["order_id"] == machine.stage.service.orders[0].order_id
    machine.pause(175 * DAY)
    site.renewal = "reissue"
    machine.run_without_faults(0, another_csr=True)
    assert machine.observer.fits(site, site.leaf())
    machine.mislead(0, force=True)
    site.renewal = "auto"
    machine.pause(165 * DAY)
    machine.run_without_faults(0, another_csr=True)
    assert machine.observer.fits(site, site.leaf())
