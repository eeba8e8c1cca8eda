# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dv_certificate for several hosts at once. `make bench` runs it for thirty."""

from __future__ import annotations

from tests.support.calls import AUTH_KEY
from tests.support.fleet import FIRST, Fleet, changes, notified, work_of
from tests.support.servers import Nginx


def test_each_host_costs_one_call_all_together_one_more_and_then_none(fleet: Fleet, nginx: Nginx) -> None:
    hosts: dict[str, dict[str, str]] = {f"host{number}.example.com": {} for number in range(6)}
    first = fleet.run("-f", "6", hosts=hosts)
    assert first.rc == 0, first.output
    assert sorted(fleet.calls()) == sorted([AUTH_KEY] + FIRST * 6)
    assert len(notified(first)) == 6
    # The page on the architecture has these figures. The first host that is due gets the AuthKey for all.
    assert sorted(work_of(first, host) for host in hosts) == [(30, 7)] * 5 + [(31, 8)]
    assert len({fleet.verify(host).serial_number for host in hosts}) == 6
    assert fleet.served(nginx, "host5.example.com") == fleet.verify("host5.example.com")
    second = fleet.run("-f", "6", hosts=hosts)
    assert (second.rc, changes(second), fleet.calls()) == (0, [], []), second.output
    assert {work_of(second, host) for host in hosts} == {(5, 1)}
