# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the role dv_certificate leaves: what servers want, and what was there before."""

from __future__ import annotations

import ssl
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.support.fleet import Fleet, changes, failures
from tests.support.pki import ec_key, new_csr

PASSPHRASE = "pass'phrase $1"


def test_files_for_servers_and_files_that_are_there(fleet: Fleet) -> None:
    bundle, taken, same = hosts = [f"{name}.example.com" for name in ("bundle", "taken", "same")]
    (fleet.directory / taken).mkdir()
    key = ec_key()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    fleet.path(taken, "key").write_bytes(pem)
    fleet.path(taken, "key").chmod(0o640)
    fleet.path(taken, "csr").write_text(new_csr("other.example.com", key=key))
    variables: dict[str, dict[str, t.Any]] = {
        bundle: {
            "combined_path": str(fleet.path(bundle, "combined")),
            "pkcs12_path": str(fleet.path(bundle, "p12")),
            "pkcs12_passphrase": PASSPHRASE,
        },
        taken: {},
        same: {"full_chain_path": str(fleet.path(same, "key"))},
    }
    first = fleet.run("-vvv", hosts=variables)
    assert failures(first).keys() == {same}, first.output
    assert "name the same file" in failures(first)[same]
    certificate = fleet.verify(bundle)
    for ending in ("combined", "p12"):
        assert fleet.path(bundle, ending).stat().st_mode & 0o777 == 0o600
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(fleet.path(bundle, "combined"))
    stored = pkcs12.load_pkcs12(fleet.path(bundle, "p12").read_bytes(), PASSPHRASE.encode())
    assert (stored.cert and stored.cert.certificate, len(stored.additional_certs)) == (certificate, 1)
    assert PASSPHRASE not in first.output

    assert fleet.path(taken, "key").read_bytes() == pem
    assert fleet.path(taken, "key").stat().st_mode & 0o777 == 0o640
    assert fleet.installed(taken).public_key() == key.public_key()
    copies = [path for path in (fleet.directory / taken).iterdir() if ".csr." in path.name]
    assert [x509.load_pem_x509_csr(path.read_bytes()).subject.rfc4514_string() for path in copies] == [
        "CN=other.example.com"
    ]

    fleet.calls()
    fleet.path(bundle, "combined").unlink()
    second = fleet.run(hosts={host: variables[host] for host in hosts if host != same})
    assert (failures(second), fleet.calls()) == ({}, [])
    assert changes(second) == ["Write a file with private key, certificate, and chain"], second.output
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(fleet.path(bundle, "combined"))
