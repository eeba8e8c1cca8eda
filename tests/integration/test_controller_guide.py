# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples in the guide to AWX and Automation Controller work as printed.

Tests that need ansible-runner are in tests/execution_environment.
"""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from tests.execution_environment.guide import block
from tests.simulator import DcvTargets, Simulator
from tests.support.calls import calls
from tests.support.playbooks import Ansible
from tests.support.web import web_server

ROOT = Path(__file__).resolve().parents[2]
# What AWX requires of a survey question, and the Python type of its answer.
REQUIRED = {"question_name": str, "variable": str, "type": str, "required": bool}
ANSWERS = {"text": str, "textarea": str, "multiplechoice": str}
NAMES = ["www.example.com", "example.com", "shop.example.com"]


def test_credential_type_injects_what_it_asks_for() -> None:
    inputs, injectors = yaml.safe_load(block("secret: true")), yaml.safe_load(block("DIGICERT_API_URL:"))
    fields = {field["id"]: field for field in inputs["fields"]}
    assert set(fields) == set(re.findall(r"{{ (\w+) }}", str(injectors))) == set(inputs["required"])
    assert [name for name, field in fields.items() if field.get("secret")] == ["api_key"]


def survey() -> list[dict[str, t.Any]]:
    """Return the questions of the survey."""
    whole = json.loads(block('"spec"'))
    assert {"name", "description", "spec"} == set(whole)
    return list(whole["spec"])


def test_survey_is_one_that_awx_takes() -> None:
    specs = yaml.safe_load((ROOT / "roles/dv_certificate/meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    play = block("names in the survey")
    for question in survey():
        for key, kind in REQUIRED.items():
            assert isinstance(question[key], kind), question
        assert isinstance(question.get("default", ""), ANSWERS[question["type"]])
        assert set(question.get("choices", [])) <= set(options["dv_certificate_dcv_method"]["choices"])
        assert question.get("default", "http") in question.get("choices", [question.get("default", "http")])
        assert question["variable"] in options or question["variable"] in play


def test_job_template_with_answers_of_its_survey(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    ansible.hosts(NAMES[0])
    ansible.inventory.write_text("[webservers]\n" + ansible.inventory.read_text(encoding="utf-8"), encoding="utf-8")
    given = {
        "dv_certificate_common_name": NAMES[0],
        "dv_certificate_dns_names": "\n".join(NAMES[1:]) + "\n",
        "dv_certificate_remaining_days": None,  # what AWX sends for a question without an answer
        "dv_certificate_name": "",
        "dv_certificate_webroot": str(tmp_path / "html"),
    }
    answers = {question["variable"]: question.get("default") for question in survey()} | given
    (tmp_path / "html").mkdir()
    text = block("names in the survey").replace("become: true", "become: false")
    text = re.sub("ansible.builtin.service:\n *name: nginx\n *state: reloaded", "debug:", text)
    (tmp_path / "certificate.yml").write_text(text, encoding="utf-8")
    with web_server(tmp_path / "html") as web:
        address = f"127.0.0.1:{web.server_port}"
        simulator.set_dcv_targets(DcvTargets(http=address))
        machine = {"dv_certificate_directory": str(tmp_path / "tls"), "dv_certificate_http_address": address}
        run = ansible.playbook(tmp_path / "certificate.yml", "-e", json.dumps({**answers, **machine}))
    assert run.rc == 0, run.output
    certificate = x509.load_pem_x509_certificate((tmp_path / "tls" / f"{NAMES[0]}.pem").read_bytes())
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(alternatives.get_values_for_type(x509.DNSName)) == sorted(NAMES)
    assert len(calls(simulator)) == 4  # list and create the AuthKey, list the orders, order


@pytest.mark.smoke
def test_hidden_result_tells_its_error(simulator: Simulator, ansible: Ansible) -> None:
    tasks = yaml.safe_load(block("show the message if that fails"))
    refused = ansible.play(tasks, DIGICERT_API_KEY=simulator.keys["unknown"])
    assert refused.rc != 0
    assert "the API key was refused" in refused.last.msg
    assert simulator.keys["unknown"] not in refused.output
    run = ansible.play(tasks)
    assert run.rc == 0, run.output
    [key] = simulator.created_auth_keys()
    assert key.auth_key not in run.output


def test_every_playbook_and_file_of_the_guide_can_be_read() -> None:
    for words in ("awx.awx.credential_type:", "awx.awx.schedule:", "throttle: 20", "version: 3", "on the managed host"):
        assert yaml.safe_load(block(words)), words
