# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook certificate_rekey replaces a leaked key within the order, exactly once, even after an interruption."""

from __future__ import annotations

import json
from pathlib import Path

from tests.simulator import Fault, OrderBehaviour
from tests.support.fleet import Fleet, failures
from tests.support.liar import write_liar
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


def test_a_host_that_lies_chooses_neither_where_the_api_key_goes_nor_what_is_revoked(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    mine, other = (fleet.simulator.seed_order(f"{name}.example.com").certificate for name in ("leaked", "other"))
    assert mine is not None
    assert other is not None
    facts = {
        "dv_certificate_api_url": "http://127.0.0.1:1/services/v2",
        "dv_certificate_delegate_to": HOST,
        "certificate_rekey_serial_numbers": [other.serial_number],
    }
    look = {"serial_number": "0A", "journal": {"replaced_serial_number": mine.serial_number}}
    interpreter = write_liar(tmp_path / "python", facts=facts, answers={"digicert_certificate_info": look})
    (tmp_path / "liar").write_text(f"{HOST} ansible_connection=local {interpreter}\n")
    given = {"certificate_rekey_become": False, "certificate_rekey_skip_approval": True}
    play = ("-i", str(tmp_path / "liar"), "-e", json.dumps(given))
    (tmp_path / "group_vars").mkdir()
    variables = {
        "dv_certificate_common_name": HOST,
        "certificate_rekey_serial_numbers": [mine.serial_number],
        "dv_certificate_ca_path": str(fleet.simulator.ca_file),
    }
    (tmp_path / "group_vars" / "all.json").write_text(json.dumps(variables))
    run = fleet.ansible.playbook(PLAYBOOK, *play)
    assert run.rc == 0, run.output
    assert [order.enrollments[0].revoked for order in fleet.simulator.orders()] == [True, False]

    fleet.ansible.env.update(ANSIBLE_CACHE_PLUGIN="jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION=str(tmp_path / "facts"))
    assert fleet.ansible.playbook(PLAYBOOK, *play).rc == 0
    refused = fleet.ansible.playbook(PLAYBOOK, *play)
    assert failures(refused)[HOST].startswith("The facts of this host contain names that begin with"), refused.output
