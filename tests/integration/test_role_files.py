# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the role dv_certificate writes, as HAProxy and Java use them, and existing files."""

from __future__ import annotations

import ssl
import subprocess
import typing as t
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.support.fleet import Fleet, changes, failures
from tests.support.pki import ec_key, new_csr
from tests.support.servers import HAProxy, program

PASSPHRASE = "pass'phrase $1"
KEY_PASSPHRASE = "another one, 100 % of it: 'x' \\ #"


def keytool(store: Path) -> str:
    """Return what Java's keytool lists of a PKCS#12 file."""
    command = [program("keytool"), "-list", "-v", "-storetype", "PKCS12", "-keystore", str(store)]
    done = subprocess.run([*command, "-storepass", PASSPHRASE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_files_for_servers_and_files_that_are_there(fleet: Fleet, tmp_path: Path) -> None:
    bundle, locked, taken, same = hosts = [f"{name}.example.com" for name in ("bundle", "locked", "taken", "same")]
    (fleet.directory / taken).mkdir()
    key = ec_key()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    fleet.path(taken, "key").write_bytes(pem)
    fleet.path(taken, "key").chmod(0o640)
    fleet.path(taken, "csr").write_text(new_csr("other.example.com", key=key))
    (fleet.ansible.home / taken).symlink_to(fleet.directory / taken)
    variables: dict[str, dict[str, t.Any]] = {
        bundle: {
            "combined_path": str(fleet.path(bundle, "combined")),
            "pkcs12_path": str(fleet.path(bundle, "p12")),
            "pkcs12_passphrase": PASSPHRASE,
        },
        locked: {
            "private_key_passphrase": KEY_PASSPHRASE,
            "pkcs12_path": str(fleet.path(locked, "p12")),
            "pkcs12_passphrase": PASSPHRASE,
        },
        taken: {"directory": f"~//{taken}/"},
        same: {"full_chain_path": str(fleet.path(same, "key"))},
    }
    first = fleet.run("-vvv", hosts=variables)
    assert failures(first).keys() == {same}, first.output
    assert "name the same file" in failures(first)[same]
    certificate = fleet.verify(bundle)
    for ending in ("combined", "p12"):
        assert fleet.path(bundle, ending).stat().st_mode & 0o777 == 0o600
    haproxy = HAProxy(tmp_path / "haproxy", fleet.path(bundle, "combined"))
    try:
        assert haproxy.certificate(bundle, fleet.simulator.ca_file) == certificate
    finally:
        haproxy.stop()
    for host in (bundle, locked):
        # Java reads the private key and its chain of two certificates.
        listed = keytool(fleet.path(host, "p12"))
        assert (listed.count("PrivateKeyEntry"), "Certificate chain length: 2" in listed) == (1, True), listed
        assert f"Alias name: {host}" in listed
    assert format(fleet.installed(locked).serial_number, "x") in listed.lower()
    pem_key = fleet.path(locked, "key").read_bytes()
    private = serialization.load_pem_private_key(pem_key, KEY_PASSPHRASE.encode())
    assert (b"ENCRYPTED" in pem_key, private.public_key()) == (True, fleet.installed(locked).public_key())
    assert not [secret for secret in (PASSPHRASE, KEY_PASSPHRASE) if secret in first.output]

    assert fleet.path(taken, "key").read_bytes() == pem
    assert fleet.path(taken, "key").stat().st_mode & 0o777 == 0o640
    assert fleet.installed(taken).public_key() == key.public_key()
    copies = [path for path in (fleet.directory / taken).iterdir() if ".csr." in path.name]
    assert [x509.load_pem_x509_csr(path.read_bytes()).subject.rfc4514_string() for path in copies] == [
        "CN=other.example.com"
    ]

    fleet.calls()
    fleet.path(bundle, "combined").unlink()
    variables[taken]["private_key_mode"] = "u=rw,go="
    second = fleet.run(hosts={host: variables[host] for host in hosts if host != same})
    assert (failures(second), fleet.calls()) == ({}, [])
    assert changes(second) == [
        "Create a private key and a certificate signing request if needed",
        "Write a file with the private key, the certificate, and the chain",
    ], second.output
    assert (fleet.path(taken, "key").stat().st_mode & 0o777, fleet.path(taken, "key").read_bytes()) == (0o600, pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(fleet.path(bundle, "combined"))
