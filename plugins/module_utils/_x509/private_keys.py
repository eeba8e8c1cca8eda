# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Private keys, and CSRs made with them. Errors never contain a part of a key or a passphrase."""

from __future__ import annotations

import re
import secrets
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import Csr
from ansible_collections.community.digicert.plugins.module_utils._x509.library import load_cryptography

CURVES = ("secp256r1", "secp384r1", "secp521r1")
SMALLEST_SIZE, LARGEST_SIZE = (
    2048,
    16384,
)  # bits; Baseline Requirements 6.1.5, and larger keys take minutes
LONGEST_COMMON_NAME = 64  # characters; RFC 5280, ub-common-name

# Old encrypted keys have headers with hyphens.
_BLOCK = re.compile(
    rb"-----BEGIN ([A-Z ]{0,20}PRIVATE KEY)-----(?:[^-]{0,100}-){0,8}[^-]{1,100000}-----END \1-----", re.DOTALL
)
# RSA signatures of the same CSR are identical; this attribute (RFC 2985, 5.4.1) makes the CSR different.
_CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"  # noqa: S105 (the name of an attribute)


class KeySpec(t.NamedTuple):
    """A private key to create: `kind` is RSA or ECC, `size` the bits of an RSA key, `curve` one of CURVES for ECC."""

    kind: str
    size: int
    curve: str


def make_private_key(spec: KeySpec, passphrase: str | None) -> bytes:
    """Return a new private key as PEM text (PKCS #8), encrypted if there is a passphrase.

    Raises:
        DigicertError: such a key does not exist.
        MissingLibraryError: `cryptography` is missing.
    """
    library = load_cryptography()
    if spec.kind == "RSA":
        if not SMALLEST_SIZE <= spec.size <= LARGEST_SIZE or spec.size % 8:
            raise DigicertError(
                f"private_key_size must be a multiple of 8 from {SMALLEST_SIZE} to {LARGEST_SIZE}, but is {spec.size}."
            )
        key = library.rsa.generate_private_key(public_exponent=65537, key_size=spec.size)
    else:
        key = library.ec.generate_private_key(getattr(library.ec, spec.curve.upper())())
    return private_key_pem(key, passphrase)


def private_key_pem(key: t.Any, passphrase: str | None) -> bytes:
    """Return a private key as PEM text (PKCS #8); raises DigicertError when the passphrase cannot be used."""
    serialization = load_cryptography().serialization
    encryption = serialization.NoEncryption()
    if passphrase is not None:
        if not 4 <= len(passphrase.encode("utf-8", "surrogatepass")) <= 1000:
            raise DigicertError("private_key_passphrase must have 4 to 1000 bytes.")
        encryption = serialization.BestAvailableEncryption(_passphrase_bytes(passphrase))
    return t.cast(
        bytes,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption),
    )


def read_private_key(content: bytes, path: str, passphrase: str | None) -> t.Any:
    """Return the private key in a file, an object of `cryptography`.

    Args:
        content: of the file: PEM text, perhaps with certificates around the key, or DER.
        path: of the file, for errors.
        passphrase: used only if the key is encrypted.

    Raises:
        DigicertError: it does not contain an RSA or ECC key, or the passphrase is missing or wrong.
        MissingLibraryError: `cryptography` is missing.
    """
    library = load_cryptography()
    block = _BLOCK.search(content)
    load = library.serialization.load_pem_private_key if block else library.serialization.load_der_private_key
    secret = None if passphrase is None else _passphrase_bytes(passphrase)
    where = printable(path, 500)
    try:
        try:
            key = load(block.group() if block else content, secret)
        except TypeError:
            if secret is None:
                raise DigicertError(f"The private key in {where} is encrypted. Set private_key_passphrase.") from None
            key = load(block.group() if block else content, None)  # it is not encrypted
    except library.unreadable:
        raise DigicertError(
            f"Cannot read the private key in {where}: it is damaged, is of a kind that the Python library cryptography "
            "cannot read, or the passphrase is wrong. Check private_key_passphrase and the path, or move the "
            "file away."
        ) from None
    if not isinstance(key, (library.rsa.RSAPrivateKey, library.ec.EllipticCurvePrivateKey)):
        raise DigicertError(
            f"The private key in {where} is neither RSA nor ECC, so public CAs do not accept it. Move the file away."
        )
    return key


def private_key_block(content: bytes) -> bytes | None:
    """Return the PEM text of the private key in a file, None when there is none."""
    found = _BLOCK.search(content)
    return None if found is None else found.group() + b"\n"


def public_key(key: t.Any) -> bytes:
    """Return the public key that belongs to a private key, as in `csr.Csr`: SubjectPublicKeyInfo, DER."""
    serialization = load_cryptography().serialization
    return t.cast(
        bytes,
        key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    )


def make_csr(key: t.Any, names: t.Sequence[str], *, is_another: bool = False) -> str:
    """Return a CSR as PEM text.

    Args:
        key: the private key, an object of `cryptography`.
        names: A-labels, lower case; the first is also the common name, if it is short enough.
        is_another: make the CSR differ from every earlier CSR with this key and these names.
    """
    library = load_cryptography()
    x509 = library.x509
    subject = []
    if len(names[0]) <= LONGEST_COMMON_NAME:
        subject.append(x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0]))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = builder.add_extension(alternatives, critical=False)
    if is_another:
        nonce = secrets.token_hex(16).encode()
        builder = builder.add_attribute(x509.ObjectIdentifier(_CHALLENGE_PASSWORD), nonce)
    request = builder.sign(key, library.hashes.SHA256())
    return t.cast(bytes, request.public_bytes(library.serialization.Encoding.PEM)).decode("ascii")


def csr_pem(csr: Csr) -> str:
    """Return a CSR in any form as PEM text."""
    if "-----" in csr.text:
        return csr.text
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{csr.text.strip()}\n-----END CERTIFICATE REQUEST-----\n"


def asks_for_names_only(csr: str) -> bool:
    """Return whether a CSR in PEM form asks only for DNS names."""
    library = load_cryptography()
    try:
        request = library.x509.load_pem_x509_csr(csr.encode())
        kinds = {attribute.oid for attribute in request.subject} | {each.oid for each in request.extensions}
    except library.unreadable:
        return False
    return kinds <= {library.x509.NameOID.COMMON_NAME, library.x509.SubjectAlternativeName.oid}


def csr_fits(csr: Csr, key: t.Any, names: t.Sequence[str]) -> bool:
    """Return whether a CSR has the public key of `key`, and asks for exactly these names."""
    return (
        csr.public_key == public_key(key)
        and set(csr.dns_names) == set(names)
        and not csr.has_other_names
        and (csr.common_name is None or csr.common_name.lower() in names)
    )


def _passphrase_bytes(passphrase: str) -> bytes:
    try:
        return passphrase.encode("utf-8")
    except UnicodeEncodeError:
        raise DigicertError("private_key_passphrase must be text that UTF-8 can encode.") from None
