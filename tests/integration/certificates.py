# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of digicert_certificate share: CSRs, a folder to install into, and ways to run the module."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.integration.support import Ansible, Run, TaskResult, calls
from tests.simulator import Simulator

MODULE = "community.digicert.digicert_certificate"
ORDER = "POST /order/certificate/ssl_dv_geotrust_flex"
INFO = "GET /order/certificate/N"
CHECK = "PUT /order/certificate/N/check-dcv"
LIST = "GET /order/certificate"
DOWNLOAD = "GET /certificate/N/download/format/pem_all"
FILES = ("path", "chain_path", "full_chain_path")
PrivateKey = t.Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]


def new_csr(*names: str, common_name: str | None = None, key: PrivateKey | None = None) -> str:
    """Return a CSR in PEM form for DNS names; the first is the common name unless that is given."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name or names[0])])
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(alternatives, critical=False)
    request = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def aged_certificate(name: str, key: PrivateKey, days_left: float) -> str:
    """Return a certificate in PEM form of 100 days, of which some are left, with the serial number 1234 (hex)."""
    now = datetime.now(timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 0x1234)
    builder = builder.not_valid_before(now - timedelta(days=100 - days_left))
    builder = builder.not_valid_after(now + timedelta(days=days_left))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class Site:
    """A folder that certificates are installed into, and the module that does it."""

    def __init__(self, directory: Path, simulator: Simulator, ansible: Ansible) -> None:
        """Use an empty folder, which is made."""
        self.directory = directory
        self.directory.mkdir()
        self.simulator = simulator
        self.ansible = ansible
        self._seen = 0

    def args(self, name: str = "www.example.com", **more: t.Any) -> dict[str, t.Any]:
        """Return module options that install `name` with all files; those of `more` that are None are left out."""
        options = {
            "csr_content": new_csr(name),
            "path": str(self.directory / f"{name}.pem"),
            "chain_path": str(self.directory / f"{name}.chain.pem"),
            "full_chain_path": str(self.directory / f"{name}.full.pem"),
            "dcv_method": "dns-txt-token",
            **more,
        }
        return {option: value for option, value in options.items() if value is not None}

    def run(self, args: dict[str, t.Any], *options: str, **env: str) -> TaskResult:
        """Run one task in an ansible process of its own."""
        return self.ansible.adhoc(MODULE, args, *options, **env).last

    def play(self, tasks: dict[str, dict[str, t.Any]], *options: str, **env: str) -> Run:
        """Run tasks, name -> module options, in one ansible process; a failed one does not end the play."""
        whole = [{"name": name, MODULE: args, "ignore_errors": True} for name, args in tasks.items()]
        return self.ansible.play(whole, *options, **env)

    def start(self, args: dict[str, t.Any], **options: t.Any) -> subprocess.Popen[str]:
        """Start the module in a process of its own, without Ansible around it, so that it can be killed."""
        file = self.directory.parent / "arguments.json"
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": args}), encoding="utf-8")
        paths = self.ansible.env["ANSIBLE_COLLECTIONS_PATH"]
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                f"ansible_collections.community.digicert.plugins.modules.{MODULE.rsplit('.', maxsplit=1)[-1]}",
                file,
            ],
            env={**self.ansible.env, "PYTHONPATH": paths, "ANSIBLE_REMOTE_TMP": str(self.directory.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def files(self) -> set[str]:
        """Return the names of all files in the folder."""
        return {path.name for path in self.directory.iterdir()}

    def markers(self) -> list[dict[str, t.Any]]:
        """Return the content of every marker of an order under way; an empty file is a lock and no marker."""
        texts = [path.read_text() for path in self.directory.glob(".*.order.json")]
        return [json.loads(text) for text in texts if text]

    def calls(self) -> list[str]:
        """Return the requests since the last time this was asked, as "METHOD /path" with ids left out."""
        requests = calls(self.simulator)
        new, self._seen = requests[self._seen :], len(requests)
        return [" ".join(_without_ids(call)) for call in new]

    def verify(self, args: dict[str, t.Any]) -> None:
        """Check with openssl that all files were installed and fit together and the simulator's CA."""
        for chain, leaf in ((args["chain_path"], args["path"]), (args["full_chain_path"], args["full_chain_path"])):
            command = ["openssl", "verify", "-CAfile", str(self.simulator.ca_file), "-untrusted", chain, leaf]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        texts = {name: Path(args[name]).read_text() for name in FILES}
        assert texts["full_chain_path"] == texts["path"] + texts["chain_path"]
        assert [text.count("BEGIN CERTIFICATE") for text in texts.values()] == [1, 1, 2]
        assert not any("\r" in text for text in texts.values())


def _without_ids(call: str) -> list[str]:
    method, path = call.split(" ", 1)
    return [method, "/".join("N" if part.isdigit() else part for part in path.split("/"))]
