# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files are read, and which other entries are refused."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._files.reading import (
    contains_private_key,
    read_regular,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.support.pki import aged_certificate, new_csr


def test_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 70000)
    (tmp_path / "empty").write_bytes(b"")
    assert read_regular(f"{tmp_path}/a") == b"x" * 70000
    assert read_regular(f"{tmp_path}/a", limit=70000) == b"x" * 70000
    assert read_regular(f"{tmp_path}/empty") == b""
    assert read_regular(f"{tmp_path}/missing") is None
    assert read_regular(f"{tmp_path}/missing/missing") is None


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**12)


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (_pipe, "is not a regular file"),
        (_link_to_endless, "is not a regular file"),
        (_folder, "is a directory"),
        (_huge, "has more than 4194304 bytes"),
    ],
)
def test_what_is_not_a_file_to_read(plant: t.Callable[[Path], None], reason: str, tmp_path: Path) -> None:
    plant(tmp_path / "a")
    with pytest.raises(DigicertError, match=reason):
        read_regular(f"{tmp_path}/a")


def private_keys() -> dict[str, bytes]:
    """Return files that contain a private key."""
    formats, encodings = serialization.PrivateFormat, serialization.Encoding
    encrypted = serialization.BestAvailableEncryption(b"passphrase")
    found = {}
    for kind, key in (("rsa", rsa.generate_private_key(65537, 2048)), ("ec", ec.generate_private_key(ec.SECP256R1()))):
        for encoding in (encodings.PEM, encodings.DER):
            for form in (formats.TraditionalOpenSSL, formats.PKCS8):
                name = f"{kind} {str(encoding)[9:]} {str(form)[14:]}"
                found[name] = key.private_bytes(encoding, form, serialization.NoEncryption())
            found[f"{kind} {str(encoding)[9:]} encrypted"] = key.private_bytes(encoding, formats.PKCS8, encrypted)
        found[f"{kind} old encryption"] = key.private_bytes(encodings.PEM, formats.TraditionalOpenSSL, encrypted)
        found[f"{kind} PKCS 12"] = pkcs12.serialize_key_and_certificates(None, key, None, None, encrypted)
    pem = found["ec PEM PKCS8"]
    found["behind a certificate"] = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + pem
    found["UTF-16"] = pem.decode().encode("utf-16")
    found["OpenSSH"] = b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
    found["PuTTY"] = b"PuTTY-User-Key-File-3: ssh-rsa\n"
    found["Java"] = b"\xfe\xed\xfe\xed\0\0\0\2"
    return found


KEYS = private_keys()


@pytest.mark.parametrize("name", KEYS)
def test_a_private_key_is_known_as_one(name: str) -> None:
    assert contains_private_key(KEYS[name])


def test_anything_else_is_not() -> None:
    certificate = aged_certificate("a.example", ec.generate_private_key(ec.SECP256R1()), 30)
    for content in (
        b"",
        b"\0",
        new_csr("a.example").encode(),
        certificate.encode(),
        PEM_cert_to_DER_cert(certificate),
        b"{}\n",
    ):
        assert not contains_private_key(content)
