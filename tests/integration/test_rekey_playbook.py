# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook certificate_rekey: a leaked key is replaced within the order, exactly once, whatever is cut off."""

from __future__ import annotations

import json
from pathlib import Path

from tests.simulator import Fault
from tests.support.fleet import Fleet
from tests.support.playbooks import Run

HOST = "www.example.com"
PLAYBOOK = Path("community.digicert.certificate_rekey")


def test_rekey_that_is_cut_off_at_each_step(fleet: Fleet) -> None:
    assert fleet.run().rc == 0
    old = fleet.installed(HOST)
    old_key = fleet.path(HOST, "key").read_bytes()
    leaked = f"{old.serial_number:X}"

    def rekey(*serial_numbers: str) -> Run:
        words = {"certificate_rekey_serial_numbers": serial_numbers, "certificate_rekey_become": False}
        words["certificate_rekey_skip_approval"] = True
        return fleet.ansible.playbook(PLAYBOOK, "-e", json.dumps(words))

    assert rekey("0A0B").rc == 0
    assert fleet.installed(HOST) == old

    refusal = {"errors": [{"code": "access_denied|missing_permission"}]}
    fleet.simulator.inject(Fault(path=r"/order/certificate/\d+$", status=403, body=refusal))
    first = rekey(leaked)
    assert first.rc != 0, first.output
    assert fleet.installed(HOST) == old

    fleet.simulator.inject(
        Fault(method="POST", path="/reissue$", drop="reset", commit=True),
        Fault(method="PUT", path="/revoke$", status=403, body=refusal),
    )
    second = rekey(leaked)
    assert second.rc != 0, second.output
    new = fleet.verify(HOST)
    assert new.serial_number != old.serial_number
    assert fleet.path(HOST, "key").read_bytes() != old_key

    third = rekey(leaked)
    assert third.rc == 0, third.output
    [order] = fleet.simulator.orders()
    assert [one.revoked for one in order.enrollments] == [True, False]
    fourth = rekey(leaked)
    assert fourth.rc == 0, fourth.output
    assert not any(task.changed for task in fourth.results)
    assert fleet.installed(HOST) == new
    assert len(fleet.simulator.orders()[0].enrollments) == 2
