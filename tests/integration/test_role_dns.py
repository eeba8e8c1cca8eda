# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dv_certificate with TXT records in a real name server, by updates (RFC 2136) and by the user's tasks."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.support.calls import AUTH_KEY
from tests.support.fleet import FIRST, Fleet, changes, failures
from tests.support.servers import HOST, Knot, Nginx


@pytest.mark.smoke
def test_wildcard_and_several_names(fleet: Fleet, knot: Knot, nginx: Nginx) -> None:
    hosts: dict[str, dict[str, t.Any]] = {
        "wild": {"common_name": "*.example.com", "dns_names": ["example.com"]},
        "idn": {"common_name": "b\u00fccher.example.com", "name": "idn", "dns_zone": "example.com"},
    }
    first = fleet.run("-vvv", hosts=hosts)
    assert first.rc == 0, first.output
    assert sorted(fleet.calls()) == sorted([AUTH_KEY, *FIRST, *FIRST])
    checks = {check.domain: check for check in fleet.simulator.dcv_checks}
    assert checks.keys() == {"example.com", "xn--bcher-kva.example.com"}
    assert {check.proof for check in checks.values()} == {"request_token"}
    installed = fleet.verify("wild", "_wildcard.example.com")
    for name in ("any.example.com", "example.com"):
        assert fleet.served(nginx, "wild", name, "_wildcard.example.com") == installed
    assert fleet.served(nginx, "idn", "xn--bcher-kva.example.com", "idn") == fleet.verify("idn", "idn")
    assert [knot.texts(f"_dnsauth.{domain}") for domain in checks] == [[], []]
    secrets = (knot.key_secret, fleet.simulator.keys["full"], fleet.simulator.auth_keys()[0].auth_key)
    assert not [secret for secret in secrets if secret in first.output]
    second = fleet.run(hosts=hosts)
    assert (second.rc, changes(second), fleet.calls()) == (0, [], []), second.output


def test_nothing_is_ordered_without_proof(fleet: Fleet, knot: Knot, tmp_path: Path) -> None:
    nowhere = Knot(tmp_path / "other", "example.com")
    hosts: dict[str, dict[str, t.Any]] = {
        "refused": {"common_name": "refused.example.com", "dns_tsig_secret": nowhere.key_secret},
        "foreign": {"common_name": "www.example.org"},
        "unseen": {"common_name": "unseen.example.com", "dns_check_servers": [HOST, "127.0.0.2"]},
        "fine": {"common_name": "fine.example.com"},
        "alias": {"common_name": "alias.example.com", "dns_alias": {"alias.example.com": "Proof.example.com."}},
        "met": {"common_name": "met.example.com"},
    }
    for name in ("alias", "met"):
        knot.add_alias(f"_dnsauth.{name}.example.com", "proof.example.com")
    run = fleet.run(hosts=hosts)
    nowhere.stop()
    messages = failures(run)
    assert messages.keys() == {"refused", "foreign", "unseen", "met"}, run.output
    assert "_dnsauth.met.example.com is a CNAME to proof.example.com" in run.output
    assert "_dnsauth.unseen.example.com at the name server 127.0.0.2 cannot be read" in messages["unseen"]
    assert sorted(fleet.calls()) == sorted([AUTH_KEY, *FIRST * 2])
    for name in ("fine", "alias"):
        fleet.verify(name, f"{name}.example.com")
    checks = [check for check in fleet.simulator.dcv_checks if check.domain == "alias.example.com"]
    assert {check.proof for check in checks} == {"request_token"}
    assert [knot.texts(name) for name in ("_dnsauth.unseen.example.com", "proof.example.com")] == [[], []]


def test_provider_of_the_user(fleet: Fleet, knot: Knot, tmp_path: Path) -> None:
    update = {
        "server": HOST,
        "port": knot.port,
        "key_name": knot.key_name,
        "key_secret": knot.key_secret,
        "key_algorithm": "hmac-sha256",
        "record": "{{ dv_certificate_record_name }}.",
        "type": "TXT",
    }
    tasks: dict[str, dict[str, t.Any]] = {
        "publish": {"value": ["{{ dv_certificate_record_value }}"]},
        "remove": {"state": "absent"},
    }
    for name, more in tasks.items():
        task = {"name": f"My {name}", "community.general.nsupdate": {**update, **more}, "delegate_to": "localhost"}
        (tmp_path / f"{name}.yml").write_text(json.dumps([task]))
    own: dict[str, t.Any] = {
        "dcv_method": "custom",
        "publish_tasks": "{{ playbook_dir }}/publish.yml",
        "unpublish_tasks": "{{ playbook_dir }}/remove.yml",
        "dns_check_servers": [HOST],
    }
    hosts = {"own": {"common_name": "own.example.com", "dns_names": ["*.own.example.com", "more.example.com"], **own}}
    run = fleet.run(hosts=hosts)
    assert run.rc == 0, run.output
    assert fleet.calls() == [AUTH_KEY, *FIRST]
    assert [len(run.of(f"community.digicert.dv_certificate : My {name}")) for name in ("publish", "remove")] == [2, 2]
    assert {check.domain for check in fleet.simulator.dcv_checks} == {"own.example.com", "more.example.com"}
    fleet.verify("own", "own.example.com")
    assert [knot.texts(f"_dnsauth.{name}.example.com") for name in ("own", "more")] == [[], []]

    (tmp_path / "publish.yml").write_text(json.dumps([{"name": "My publish", "ansible.builtin.meta": "noop"}]))
    failed = fleet.run(hosts={"late": {"common_name": "late.example.com", **own}})
    assert "_dnsauth.late.example.com" in failures(failed)["late"]
    assert "127.0.0.1" in failures(failed)["late"]
    assert fleet.calls() == [AUTH_KEY]
    wild = {"common_name": "*.example.com", "dcv_method": "http"}
    refused = fleet.run(hosts={"none.example.com": {"dcv_method": "custom"}, "wild": wild})
    assert "needs dv_certificate_publish_tasks" in failures(refused)["none.example.com"]
    assert "cannot validate wildcards" in failures(refused)["wild"]
    assert fleet.calls() == []
