# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that users copy, unchanged except for addresses and folders."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from tests.simulator import DcvTargets
from tests.support.calls import AUTH_KEY
from tests.support.fleet import FIRST, Fleet
from tests.support.playbooks import Run
from tests.support.servers import HOST, Knot

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"


def play(fleet: Fleet, name: str, **variables: t.Any) -> Run:
    """Run a playbook for one host with the variables of the fleet, which have their prefix."""
    fleet.ansible.hosts("www.example.com")
    fleet.make_webroots("www.example.com")
    values = {f"dv_certificate_{key}": value for key, value in fleet.variables.items()}
    values.update(certificate_become=False, certificate_reload="true", **variables)
    file = fleet.ansible.directory / "variables.json"
    file.write_text(json.dumps(values))
    return fleet.ansible.playbook(PLAYBOOKS / f"{name}.yml", "-e", f"@{file}")


def test_http_and_then_renewal_with_nothing_due(fleet: Fleet) -> None:
    first = play(fleet, "certificate_http")
    assert first.rc == 0, first.output
    assert (fleet.calls(), len(first.of("Reload the server"))) == ([AUTH_KEY, *FIRST], 1)
    fleet.verify("www.example.com")
    renewal = play(fleet, "certificate_renew")
    assert renewal.rc == 0, renewal.output
    assert (fleet.calls(), [task.task for task in renewal.results if task.changed]) == ([], [])


def test_dns_and_own_provider(fleet: Fleet, tmp_path: Path) -> None:
    knot = Knot(tmp_path / "knot", "example.com")
    try:
        fleet.simulator.set_dcv_targets(DcvTargets(dns=knot.address))
        fleet.ansible.env["TSIG_SECRET"] = knot.key_secret
        addresses = {"dns_server": HOST, "dns_port": knot.port}
        role = {"dv_certificate_dns_server": HOST, "dv_certificate_dns_port": knot.port}
        by_dns = play(fleet, "certificate_dns", **role)
        assert by_dns.rc == 0, by_dns.output
        certificate = fleet.verify("www.example.com", "_wildcard.example.com")
        role["dv_certificate_dns_check_servers"] = [HOST]
        own = play(fleet, "certificate_own_provider", dv_certificate_name="own", **addresses, **role)
        assert own.rc == 0, own.output
        assert fleet.verify("www.example.com", "own") != certificate
        # The account has a valid order for the names, so the other files cost nothing.
        reissue = ["GET /order/certificate", "GET /order/certificate/N", "POST /order/certificate/N/reissue"]
        assert fleet.calls() == [AUTH_KEY, *FIRST, AUTH_KEY, *reissue]
    finally:
        knot.stop()
