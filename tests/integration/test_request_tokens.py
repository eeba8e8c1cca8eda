# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request tokens in real plays: forms of CSRs and keys, wrong input, and the examples of the guide."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.simulator import Simulator
from tests.simulator.request_tokens import check_request_token
from tests.support.csr_samples import RSA_KEY, body, pem, private_keys, real_csr
from tests.support.playbooks import Ansible
from tests.support.web import web_server

GUIDE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "request_token_guide.rst"
AUTH_KEY = "AuthKeyThatNobodyMaySee0123456789"
DER = real_csr(RSA_KEY)
CSR = pem(DER)
NAME = "community.digicert."
TOKEN = f"{NAME}request_token(auth_key=auth_key, timestamp='20261101000000')"


def assertion(name: str, *that: str, **keywords: t.Any) -> dict[str, t.Any]:
    return {"name": name, "ansible.builtin.assert": {"that": list(that)}, **keywords}


@pytest.fixture
def csr_files(ansible: Ansible) -> Path:
    """A folder with a CSR in common forms."""
    for name, text in {
        "lf.csr": CSR,
        "crlf.csr": pem(DER, eol="\r\n") + "\r\n  \r\n",
        "new.csr": pem(DER, label="NEW CERTIFICATE REQUEST"),
        "bare.csr": body(CSR) + "\n",
    }.items():
        (ansible.directory / name).write_bytes(text.encode())
    (ansible.directory / "der.csr").write_bytes(DER)
    return ansible.directory


@pytest.mark.smoke
def test_all_forms_of_csr_and_key_make_a_token_that_validates(ansible: Ansible, csr_files: Path) -> None:
    vault = VaultLib([("default", VaultSecret(b"password"))]).encrypt(AUTH_KEY).decode()
    (csr_files / "vars.yml").write_text("vaulted: !vault |\n  " + vault.replace("\n", "\n  ").rstrip() + "\n")
    (csr_files / "password").write_text("password")
    lookups = {name: f"{{{{ lookup('ansible.builtin.file', '{csr_files}/{name}.csr') }}}}" for name in ("crlf", "new")}
    run = ansible.play(
        [
            {"name": "slurp", "ansible.builtin.slurp": {"src": f"{csr_files}/lf.csr"}, "register": "lf"},
            {"name": "slurp DER", "ansible.builtin.slurp": {"src": f"{csr_files}/der.csr"}, "register": "der"},
            {
                "name": "make",
                "ansible.builtin.set_fact": {
                    "token": f"{{{{ (lf.content | b64decode) | {NAME}request_token(auth_key=vaulted) }}}}",
                    "tokens": "{{ [lf.content | b64decode, crlf, new, bare, der.content] "
                    f"| map('{NAME}request_token', auth_key=auth_key, timestamp='20261101000000') | list }}}}",
                    "order": f"{{{{ crlf | {NAME}order_csr }}}}",
                    "info": f"{{{{ crlf | {TOKEN} | {NAME}request_token_info }}}}",
                },
            },
            assertion(
                "check",
                "tokens | unique | length == 1",
                f"('<p>' ~ token ~ '</p>') is {NAME}valid_request_token(csr=new, auth_key=vaulted)",
                f"token is {NAME}valid_request_token(bare, auth_key)",
                f"token is not {NAME}valid_request_token(csr=bare, auth_key='other')",
                f"token is not {NAME}valid_request_token(csr=new, auth_key=auth_key, csr_format='pem')",
                "info.expires == '2026-12-01T00:00:00+00:00'",
                f"(token | {NAME}request_token_info).remaining_days > 29.9",
            ),
        ],
        "--vault-password-file",
        str(csr_files / "password"),
        play={
            "vars_files": [str(csr_files / "vars.yml")],
            "vars": {**lookups, "auth_key": AUTH_KEY, "bare": body(CSR) + "\n"},
        },
    )
    assert run.rc == 0, run.output
    facts = run.of("make")[0].result["ansible_facts"]
    assert facts["order"] == body(CSR)
    assert check_request_token(facts["token"], facts["order"], AUTH_KEY).token == facts["token"]


# Name of the task: what is evaluated, and what the error must say.
WRONG = {
    "private key": ("{{ private_key | " + TOKEN + " }}", "csr contains a private key"),
    "private key as AuthKey": ("{{ csr | " + NAME + "request_token(private_key) }}", "auth_key is a private key"),
    "certificate": (
        "{{ csr | replace(' REQUEST', '') | " + TOKEN + " }}",
        "csr is a certificate",
    ),
    "truncated": ("{{ csr[:500] | " + TOKEN + " }}", "csr is cut off"),
    "b64decode forgotten": ("{{ csr | b64encode | " + TOKEN + " }}", "csr is PEM text that was encoded in base64"),
    "DER": ("{{ body | b64decode | " + TOKEN + " }}", "csr is binary"),
    "empty key": ("{{ csr | " + NAME + "request_token(auth_key='') }}", "auth_key is empty"),
    "null key": ("{{ csr | " + NAME + "request_token(auth_key=nothing) }}", "auth_key must be a string"),
    "no key": ("{{ csr | " + NAME + "request_token }}", "auth_key"),
    "undefined key": ("{{ csr | " + NAME + "request_token(auth_key=no_such_key) }}", "'no_such_key' is undefined"),
    "undefined csr": ("{{ no_such_csr | " + TOKEN + " }}", "'no_such_csr' is undefined"),
    "undefined backdate": (
        "{{ csr | " + NAME + "request_token(auth_key=auth_key, backdate=no_such_backdate) }}",
        "'no_such_backdate' is undefined",
    ),
    "key with a line end": (
        "{{ csr | " + NAME + "request_token(auth_key=auth_key ~ '\n') }}",
        "auth_key contains a space",
    ),
    "no date": (
        "{{ csr | " + NAME + "request_token(auth_key=auth_key, timestamp='20261399000000') }}",
        "timestamp must be a date",
    ),
    "number": (
        "{{ csr | " + NAME + "request_token(auth_key=auth_key, timestamp=20261101000000) }}",
        "timestamp must be a string, but is of type int",
    ),
    "list": ("{{ [csr] | " + NAME + "order_csr }}", "csr must be a string, but is of type list"),
    "no token": ("{{ 'no token' | " + NAME + "request_token_info }}", "The input does not contain a request token"),
    "test, wrong csr": (
        "{{ 'text' is " + NAME + "valid_request_token(csr=auth_key, auth_key=auth_key) }}",
        "csr is ",
    ),
    "test, undefined text": (
        "{{ no_such_text is " + NAME + "valid_request_token(csr=csr, auth_key=auth_key) }}",
        "'no_such_text' is undefined",
    ),
    "test, wrong type": (
        "{{ [] is " + NAME + "valid_request_token(csr=csr, auth_key=auth_key) }}",
        "The input must be a string, but is of type list",
    ),
}


@pytest.mark.smoke
def test_wrong_input_is_a_clear_error_without_secrets(ansible: Ansible) -> None:
    private_key = private_keys()["PKCS 8"]
    secrets = {"auth_key": AUTH_KEY, "private_key": private_key}
    (ansible.directory / "vars.yml").write_text(yaml.safe_dump({**secrets, "csr": CSR, "body": body(CSR)}))
    run = ansible.play(
        [
            {"name": name, "ansible.builtin.debug": {"msg": expression}, "ignore_errors": True}
            for name, (expression, _message) in WRONG.items()
        ],
        "-vvv",
        play={"vars_files": [str(ansible.directory / "vars.yml")], "vars": {"nothing": None}},
    )
    assert len(run.results) == len(WRONG), run.output
    for name, (_expression, message) in WRONG.items():
        [task] = run.of(name)
        assert task.outcome == "failed", name
        assert message in task.msg, name
    for secret in [AUTH_KEY, *private_key.splitlines()[1:-1]]:
        assert secret not in run.output


def printed_tasks() -> list[dict[str, t.Any]]:
    """Return the tasks of the guide's examples that need only Ansible, this collection, and a web server."""
    blocks = re.findall(r"code-block:: yaml\+jinja\n\n((?:   .*\n|\n)+)", GUIDE.read_text(encoding="utf-8"))
    tasks = [task for block in blocks for task in yaml.safe_load(block)]
    left_out = {task["name"] for task in tasks if re.search("digicert_dcv_(record|check)|/order/", str(task))}
    assert left_out == {
        "Publish the token in the DNS",
        "Check the token the way DigiCert does",
        "Order the certificate",
    }
    return [task for task in tasks if task["name"] not in left_out]


def test_the_guide_works_as_printed(simulator: Simulator, ansible: Ansible, csr_files: Path) -> None:
    root = csr_files / "html"
    root.mkdir()
    with web_server(root) as server:
        run = ansible.play(
            printed_tasks(),
            play={
                "vars": {
                    "digicert_api_key": simulator.keys["full"],
                    "domain": f"127.0.0.1:{server.server_port}",
                    "csr_path": str(csr_files / "crlf.csr"),
                    "document_root": str(root),
                }
            },
        )
    assert run.rc == 0, run.output
    assert run.of("Wait until the web server shows a valid token")[0].result["attempts"] == 1
    assert run.last.outcome == "skipped"
    [key] = simulator.auth_keys()
    published = (root / ".well-known" / "pki-validation" / "fileauth.txt").read_text(encoding="utf-8")
    assert check_request_token(published, body(CSR), key.auth_key).token == published.splitlines()[0]
