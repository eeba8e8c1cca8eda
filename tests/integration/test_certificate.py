# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""digicert_certificate without failures: orders, the steady state, files, validation, and refused options."""

from __future__ import annotations

import json
import re
import stat
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support.calls import DOWNLOAD, INFO, LIST, ORDER, REISSUE
from tests.support.pki import aged_certificate, new_csr
from tests.support.sites import MODULE, Site


@pytest.mark.smoke
def test_one_call_for_each_certificate_and_none_afterwards(site: Site) -> None:
    keys: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
        "rsa": rsa.generate_private_key(65537, 2048),
        "ecdsa": ec.generate_private_key(ec.SECP384R1()),
    }
    csrs = {
        "rsa.example": new_csr("rsa.example", key=keys["rsa"]),
        "ecdsa.example": new_csr("ecdsa.example", key=keys["ecdsa"]),
        "many.example": new_csr(*(["many.example"] + [f"n{number}.many.example" for number in range(20)])),
        "wild.example": new_csr("*.wild.example", "wild.example"),
        "idn.example": new_csr("xn--bcher-kva.example", common_name="b\u00fccher.example"),
    }
    args = {name: site.args(name, csr_content=csr, mode="0640") for name, csr in csrs.items()}
    args["idn.example"]["dns_names"] = ["www.B\u00dcCHER.example"]
    first = site.play(args)
    assert [(task.outcome, task.changed) for task in first.results] == [("ok", True)] * 5, first.output
    assert site.calls() == [LIST, ORDER] * 5
    for task, order in zip(first.results, site.simulator.orders()):
        assert order.certificate is not None
        result = task.result
        assert (result["order_id"], result["certificate_id"]) == (order.id, order.certificate.id)
        assert int(result["serial_number"], 16) == int(order.certificate.serial_number, 16)
        assert sorted(result["dns_names"]) == sorted(order.request.names)
        assert (result["order_status"], result["action"]) == ("issued", "ordered")
        assert datetime.fromisoformat(result["not_after"]) == order.certificate.validity.end
        assert result["full_chain"] == result["certificate"] + result["chain"]
        assert Path(args[task.task]["path"]).read_text() == result["certificate"]
        assert stat.S_IMODE(Path(args[task.task]["path"]).stat().st_mode) == 0o640
        site.verify(args[task.task])
    names = site.simulator.orders()[-1].request
    assert (names.common_name, names.dns_names) == ("xn--bcher-kva.example", ["www.xn--bcher-kva.example"])
    for name, key in keys.items():
        leaf = x509.load_pem_x509_certificate(Path(args[f"{name}.example"]["path"]).read_bytes())
        assert leaf.public_key() == key.public_key()
    installed = site.files()
    assert len(installed) == 20, "three files and a journal each"

    again = site.play(args)
    assert [(task.outcome, task.changed) for task in again.results] == [("ok", False)] * 5, again.output
    assert [again.results[number].result["serial_number"] for number in range(5)] == [
        task.result["serial_number"] for task in first.results
    ]
    assert all(again.results[0].result[name] is None for name in ("order_id", "certificate_id", "order_status"))
    assert site.calls() == []
    assert site.files() == installed


def test_the_order_says_what_the_options_say(site: Site) -> None:
    site.simulator.seed_auth_key(auth_key_id="k")
    csr = new_csr("a.example", "b.example")
    first = site.args("old", csr_content=csr)
    assert site.run(first).changed
    args = site.args(
        "new",
        csr_content=csr,
        csr_format="pem",
        common_name="B.example.",
        product="ssl_dv_geotrust",
        dcv_method="http-token",
        order_validity={"days": 180},
        cert_validity_days=90,
        container_id=7,
        payment_method="balance",
        skip_approval=False,
        comments="by Ansible",
        custom_fields=[{"metadata_id": 12, "value": "x"}],
        renewal_of_order_id=site.simulator.orders()[0].id,
        auth_key_id="k",
        additional_fields={"certificate": {"signature_hash": "sha384"}, "locale": "de"},
    )
    task = site.run(args)
    assert task.changed, task.msg
    body = json.loads(site.simulator.log[-1].body)
    assert re.fullmatch("[0-9a-f]{32}-[0-9a-f]{16}", body.pop("alternative_order_id"))
    assert body == {
        "certificate": {
            "common_name": "b.example",
            "dns_names": ["a.example"],
            "csr": csr,
            "signature_hash": "sha384",
            "server_platform": {"id": -1},
            "cert_validity": {"days": 90},
        },
        "order_validity": {"days": 180},
        "dcv_method": "http-token",
        "use_auth_key": True,
        "skip_approval": False,
        "payment_method": "balance",
        "container": {"id": 7},
        "comments": "by Ansible",
        "custom_fields": [{"metadata_id": 12, "value": "x"}],
        "renewal_of_order_id": site.simulator.orders()[0].id,
        "auth_key_id": "k",
        "locale": "de",
    }
    days = (datetime.fromisoformat(task.result["not_after"]) - datetime.now(timezone.utc)).total_seconds() / 86400
    assert days == pytest.approx(90, abs=0.1)


def test_a_drifted_or_lost_file_is_put_right_without_a_request(site: Site) -> None:
    args = site.args(mode="0644")
    site.run(args)
    paths = [Path(args[name]) for name in ("path", "chain_path", "full_chain_path")]
    good = [path.read_text() for path in paths]
    paths[0].unlink()
    paths[1].write_text("garbage")
    paths[2].chmod(0o600)
    task = site.run(args, diff=True)
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert {entry["before_header"] for entry in task.result["diff"]} >= {str(path) for path in paths}
    paths[2].write_text(good[2].replace("\n", "\r\n"))
    assert site.run(args, check_mode=True).changed
    assert "\r" in paths[2].read_bytes().decode()
    assert site.run(args).changed
    assert [path.read_text() for path in paths] == good
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o644] * 3
    assert not site.run(args).changed
    assert site.calls() == [LIST, ORDER]


def test_a_lost_chain_is_downloaded_and_not_ordered(site: Site) -> None:
    args = site.args()
    site.run(args)
    site.run({**args, "force": True})
    assert site.calls() == [LIST, ORDER, INFO, REISSUE]
    for name in ("chain_path", "full_chain_path"):
        Path(args[name]).unlink()
    assert site.run(args, check_mode=True).changed
    assert site.calls() == []
    task = site.run(args)
    assert (task.outcome, task.changed, task.result["action"]) == ("ok", True, "none"), task.msg
    assert site.calls() == [INFO, DOWNLOAD]
    site.verify(args)
    assert len(site.simulator.orders()) == 1

    Path(args["chain_path"]).unlink()
    Path(args["full_chain_path"]).unlink()
    site.simulator.reset()
    task = site.run(args)
    assert (task.outcome, task.changed) == ("failed", False)
    assert "its chain is in none of the files" in task.msg
    assert site.simulator.orders() == []


def test_what_makes_a_certificate_due_and_what_that_costs(site: Site) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    args = site.args(csr_content=new_csr("www.example.com", key=key), remaining_days=30)
    assert site.run(args).changed
    more = new_csr("www.example.com", "new.example.com", key=key)
    elsewhere = {"path": str(site.directory / "elsewhere.pem"), "full_chain_path": str(site.directory / "e.pem")}
    plays = site.play(
        {
            "more remaining days": {**args, "remaining_days": 199},
            "another name": {**args, "csr_content": more},
            "fewer names": args,
            "another key": {**args, "csr_content": new_csr("www.example.com")},
            "force": {**args, "csr_content": new_csr("www.example.com"), "force": True},
            "no certificate": {**args, **elsewhere, "csr_content": new_csr("www.example.com")},
        }
    )
    actions = {task.task: task.result.get("action") for task in plays.results}
    assert actions == {
        "more remaining days": "none",
        "another name": "ordered",
        "fewer names": "none",
        "another key": "reissued",
        "force": "reissued",
        "no certificate": "reissued",
    }, plays.output
    assert "also covers new.example.com, which was not requested" in plays.of("fewer names")[0].result["warnings"][0]
    assert len(site.simulator.orders()) == 2


def test_renewal(site: Site) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    args = site.args(csr_content=new_csr("www.example.com", key=key), backup=True)
    site.run(args)
    chain = Path(args["chain_path"]).read_text()
    old = aged_certificate("www.example.com", key, days_left=29)
    Path(args["path"]).write_text(old)
    Path(args["full_chain_path"]).unlink()
    site.calls()
    predicted = site.run(args, check_mode=True, diff=True)
    assert (predicted.outcome, predicted.changed) == ("ok", True), predicted.msg
    assert site.calls() == []
    assert Path(args["path"]).read_text() == old
    [diff] = [entry for entry in predicted.result["diff"] if entry["before_header"] == args["path"]]
    assert diff["before"]["certificates"][0]["serial_number"] == "1234"
    assert diff["after"]["certificates"][0] == {
        "dns_names": ["www.example.com"],
        "serial_number": "(given by CertCentral)",
    }
    assert (diff["after"]["action"], predicted.result["action"]) == ("reissued", "reissued")
    task = site.run({**args, "csr_content": new_csr("www.example.com", key=key)}, diff=True)
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert (site.calls(), task.result["action"]) == ([INFO, REISSUE], "reissued")
    [backup] = task.result["backup_files"]
    assert Path(backup).read_text() == old
    assert Path(args["chain_path"]).read_text() == chain
    [diff] = [entry for entry in task.result["diff"] if entry["before_header"] == args["path"]]
    assert diff["after"]["certificates"][0]["serial_number"] == task.result["serial_number"]
    assert "BEGIN" not in str(task.result["diff"])
    site.verify(args)


def test_more_remaining_days_than_validity_do_not_order_on_every_run(site: Site) -> None:
    args = site.args(order_validity={"years": 1}, remaining_days=250)
    first = site.run(args)
    assert first.changed
    again = site.run(args)
    assert (again.outcome, again.changed) == ("ok", False)
    for task in (first, again):
        assert "not more than remaining_days (250)" in str(task.result["warnings"][0])
    assert site.calls() == [LIST, ORDER]


def test_check_mode_without_a_certificate(site: Site) -> None:
    args = site.args()
    task = site.run(args, check_mode=True, diff=True)
    assert (task.outcome, task.changed) == ("ok", True)
    assert [task.result[name] for name in ("order_id", "certificate", "action")] == [None, None, "ordered"]
    assert (site.calls(), site.files()) == ([], set())


def test_bad_input_is_refused_before_any_request(site: Site) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    file = site.directory / "private.key"
    file.write_text(pem)
    csr = site.directory / "a.csr"
    csr.write_text(new_csr("www.example.com"))
    wild = new_csr("*.example.com")
    cases: dict[str, tuple[dict[str, t.Any], str]] = {
        "private key": ({"csr_content": pem}, "csr_content contains a private key"),
        "private key file": ({"csr_content": None, "csr": str(file)}, "csr contains a private key"),
        "over a private key": ({"path": str(file)}, "that the certificate would overwrite"),
        "one file twice": (
            {"chain_path": f"{site.directory}/../{site.directory.name}//www.example.com.pem"},
            "same file",
        ),
        "over the CSR": ({"csr_content": None, "csr": str(csr), "path": str(csr)}, "csr and path are the same file"),
        "no CSR file": ({"csr_content": None, "csr": "/nonexistent.csr"}, "Cannot read the CSR /nonexistent.csr"),
        "no folder": ({"path": "/nonexistent/x.pem"}, "The directory /nonexistent does not exist"),
        "folder not to be written": ({"path": "/proc/x.pem", "chain_path": None}, ""),
        "wildcard by HTTP": ({"csr_content": wild, "dcv_method": "http-token"}, "cannot be validated with"),
        "years and days": ({"order_validity": {"years": 1, "days": 5}}, "exactly one of"),
        "due at once": ({"cert_validity_days": 30, "remaining_days": 30}, "(30) must be less than cert_validity_days"),
        "negative wait": ({"wait_timeout": -1}, "wait_timeout must be"),
    }
    tasks = {name: site.args(**args) for name, (args, _ignored) in cases.items()}
    run = site.play(tasks, "-vvv", ANSIBLE_INJECT_INVOCATION="true")
    assert "Traceback" not in run.output
    assert "module_args" in str(run.results[0].result)
    for shown in (run.output, str(run.results)):
        assert pem.splitlines()[1] not in shown
    for name, (_ignored, words) in cases.items():
        [task] = run.of(name)
        assert (task.outcome, task.changed) == ("failed", False), name
        assert words in task.msg, name
        assert "\n" not in task.msg
        assert task.msg.endswith("."), task.msg
    assert site.calls() == []
    assert site.files() == {"private.key", "a.csr"}
    assert file.read_text() == pem


def test_a_refused_order_leaves_its_journal_only(site: Site) -> None:
    task = site.run(site.args(product="no_such_product"))
    assert (task.outcome, task.changed) == ("failed", False)
    assert (task.result["http_status"], task.result["code"]) == (404, "not_found|product")
    assert "order_id" not in task.result
    [journal] = site.files()
    assert journal.endswith(".order.json")
    task = site.run(site.args("other.pem", api_key=site.simulator.keys["view_only"]))
    assert task.result["http_status"] == 403
    assert all(name.endswith(".order.json") for name in site.files())
    assert "lacks the permission" in task.msg
    assert site.simulator.orders() == []


def test_without_path_the_certificate_is_returned(site: Site) -> None:
    task = site.run(site.args(path=None, chain_path=None, full_chain_path=None, include_root=True))
    assert (task.outcome, task.changed) == ("ok", True)
    root = site.simulator.ca_file.read_text()
    assert task.result["full_chain"] == task.result["certificate"] + task.result["chain"] + root
    assert site.files() == set()


def test_module_defaults_of_the_action_group(site: Site) -> None:
    del site.ansible.env["DIGICERT_API_KEY"]
    defaults = {"group/community.digicert.digicert": {"api_key": site.simulator.keys["full"]}}
    run = site.ansible.play([{"name": "order", MODULE: site.args()}], play={"module_defaults": defaults})
    assert run.last.changed, run.output


def test_full_chain_alone_and_one_day_before_it_is_due(site: Site) -> None:
    args = site.args(path=None, chain_path=None, include_root=True, remaining_days=10, cert_validity_days=11)
    assert site.run(args).changed
    assert Path(args["full_chain_path"]).read_text().count("BEGIN") == 3
    assert not site.run(args).changed
    end = (datetime.now(timezone.utc) + timedelta(days=11)).date().isoformat()
    changed = {
        **args,
        "include_root": False,
        "cert_validity_days": None,
        "order_validity": {"custom_expiration_date": end},
    }
    assert site.run({name: value for name, value in changed.items() if value is not None}).changed
    assert Path(args["full_chain_path"]).read_text().count("BEGIN") == 2
    assert site.calls() == [LIST, ORDER]
