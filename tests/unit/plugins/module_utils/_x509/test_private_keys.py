# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create and read private keys, and create CSRs with them."""

from __future__ import annotations

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509 import private_keys
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import (
    build_chain,
    read_certificates,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import read_csr
from ansible_collections.community.digicert.plugins.module_utils._x509.pkcs12 import has_same_content, make_pkcs12
from ansible_collections.community.digicert.plugins.module_utils._x509.private_keys import KeySpec
from cryptography.hazmat.primitives import serialization

from tests.support.pki import KEY, MIDDLE, ec_key, pem, rsa_key

LONG = ".".join(["a" * 60, "b" * 60, "example"])


@pytest.mark.parametrize("spec", [KeySpec("RSA", 2048, ""), *(KeySpec("ECC", 0, name) for name in private_keys.CURVES)])
@pytest.mark.parametrize("passphrase", [None, "pass \u00fc"])
def test_what_is_made_is_read(spec: KeySpec, passphrase: str | None) -> None:
    content = private_keys.make_private_key(spec, passphrase)
    key = private_keys.read_private_key(b"text\n" + content, "a.key", passphrase)
    assert private_keys.private_key_block(b"text\n" + content) == content
    assert key.key_size == (spec.size or key.curve.key_size)
    csr = read_csr(private_keys.make_csr(key, ["a.example", "*.b.example"]))
    assert (csr.common_name, csr.dns_names) == ("a.example", ("a.example", "*.b.example"))
    assert private_keys.csr_fits(csr, key, ["*.b.example", "a.example"])
    assert not private_keys.csr_fits(csr, key, ["a.example"])
    assert not private_keys.csr_fits(csr, ec_key(), ["*.b.example", "a.example"])
    assert private_keys.asks_for_names_only(csr.text)


def test_a_long_name_is_not_a_common_name() -> None:
    assert read_csr(private_keys.make_csr(ec_key(), [LONG])).common_name is None


def test_another_csr_is_another_and_fits_all_the_same() -> None:
    key = rsa_key()
    texts = {private_keys.make_csr(key, ["a.example"], is_another=another) for another in (False, False, True, True)}
    assert len(texts) == 3
    assert all(private_keys.csr_fits(read_csr(text), key, ["a.example"]) for text in texts)
    assert all(private_keys.asks_for_names_only(text) for text in texts)


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("encoding", ["PEM", "DER"])
@pytest.mark.parametrize("secret", [None, b"passphrase"])
def test_keys_of_others_are_read(form: str, encoding: str, secret: bytes | None) -> None:
    if secret and (form, encoding) == ("TraditionalOpenSSL", "DER"):
        return  # does not exist
    encryption = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    kinds = getattr(serialization.Encoding, encoding), getattr(serialization.PrivateFormat, form)
    content = KEY.private_bytes(*kinds, encryption)
    # A passphrase for a key that is not encrypted is harmless.
    key = private_keys.read_private_key(content, "a.key", "passphrase")
    assert private_keys.public_key(key) == private_keys.public_key(KEY)
    if secret:
        for wrong in (None, "wrong"):
            with pytest.raises(DigicertError) as caught:
                private_keys.read_private_key(content, "a.key", wrong)
            assert "passphrase" in caught.value.message


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\x30\x03"]
)
def test_what_is_not_a_key_is_one_sentence(content: bytes) -> None:
    with pytest.raises(DigicertError, match=r"Cannot read the private key in a\.key: .*, or move the file away\.$"):
        private_keys.read_private_key(content, "a.key", None)


def test_pkcs12_is_known_by_its_content() -> None:
    leaf = pem(MIDDLE.leaf("a.example"))
    bundle = build_chain(read_certificates(leaf + pem(MIDDLE.certificate)))
    other = build_chain(read_certificates(pem(MIDDLE.leaf("b.example")) + pem(MIDDLE.certificate)))
    content = make_pkcs12(KEY, bundle, "secret", "alias", compatible=False)
    assert has_same_content(content, KEY, bundle, "secret")
    assert not has_same_content(content, ec_key(), bundle, "secret")
    assert not has_same_content(content, KEY, other, "secret")
    assert not has_same_content(content, KEY, bundle, "wrong")
    assert not has_same_content(b"junk", KEY, bundle, "secret")
    assert not has_same_content(None, KEY, bundle, "secret")
