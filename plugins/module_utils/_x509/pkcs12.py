# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""PKCS #12 files (RFC 7292): private key, certificate and chain in one encrypted file, for Java and Windows."""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import Bundle
from ansible_collections.community.digicert.plugins.module_utils._x509.library import load_cryptography


def make_pkcs12(key: t.Any, bundle: Bundle, passphrase: str, name: str | None, *, compatible: bool) -> bytes:
    """Return a PKCS #12 file.

    Args:
        key: the private key, an object of `cryptography`.
        bundle: certificate and chain. The root is not included.
        passphrase: encrypts all of it.
        name: friendly name, which Java calls alias.
        compatible: use the old algorithms that Windows Server 2016 and Java before 8u301 need.

    Raises:
        DigicertError: the passphrase or the name cannot be used, or `cryptography` is too old.
        MissingLibraryError: `cryptography` is missing.
    """
    serialization = load_cryptography().serialization
    try:
        secret, label = passphrase.encode("utf-8"), None if name is None else name.encode("utf-8")
        encryption = _old_encryption(secret) if compatible else serialization.BestAvailableEncryption(secret)
    except ValueError:
        raise DigicertError(
            "passphrase and friendly_name must be text, and the passphrase must not be empty."
        ) from None
    chain = [certificate.raw for certificate in bundle.intermediates]
    return t.cast(
        bytes,
        _library().serialize_key_and_certificates(label, key, bundle.leaf.raw, chain or None, encryption),
    )


def has_same_content(content: bytes | None, key: t.Any, bundle: Bundle, passphrase: str) -> bool:
    """Return whether a file is a PKCS #12 file with this key, certificate, chain and passphrase."""
    library = load_cryptography()
    if content is None:
        return False
    try:
        found_key, found, chain = _library().load_key_and_certificates(content, passphrase.encode("utf-8"))
        if found_key is None or found is None:
            return False
        same_key = _public_numbers(found_key) == _public_numbers(key)
    except library.unreadable:
        return False
    wanted = [certificate.raw for certificate in bundle.intermediates]
    return same_key and found == bundle.leaf.raw and set(chain) == set(wanted)


def _library() -> t.Any:
    from cryptography.hazmat.primitives.serialization import pkcs12

    return pkcs12


def _public_numbers(key: t.Any) -> t.Any:
    return key.public_key().public_numbers()


def _old_encryption(secret: bytes) -> t.Any:
    library = load_cryptography()
    try:
        builder = library.serialization.PrivateFormat.PKCS12.encryption_builder()
    except AttributeError:
        raise DigicertError(
            "encryption_level=compatibility2022 needs version 38 or later of the Python library cryptography."
        ) from None
    builder = builder.kdf_rounds(50000).key_cert_algorithm(_library().PBES.PBESv1SHA1And3KeyTripleDESCBC)
    return builder.hmac_hash(library.hashes.SHA1()).build(secret)
