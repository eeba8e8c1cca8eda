# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Certificate signing requests (RFC 2986): the text to send to DigiCert, and what a CSR asks for.

No error contains a part of a CSR, which may be a secret that was passed by mistake. `cryptography` is loaded to verify
a signature, so request tokens need only the standard library.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from base64 import b64encode
from binascii import a2b_base64

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._x509 import der as _der
from ansible_collections.community.digicert.plugins.module_utils._x509.library import load_cryptography

_FRAMES = {
    "BEGIN CERTIFICATE REQUEST": "END CERTIFICATE REQUEST",
    "BEGIN NEW CERTIFICATE REQUEST": "END NEW CERTIFICATE REQUEST",
}
# A byte order mark after decoding: as Unicode, as Latin-1, or as UTF-8 with escaped or replaced bytes.
_BYTE_ORDER_MARK = re.compile(
    "^(?:\ufeff|\xef\xbb\xbf|\xff\xfe|\xfe\xff|\udcff\udcfe|\udcfe\udcff|\udcef\udcbb\udcbf|\ufffd{2,3})"
)
_BLANKS = b" \t\n\v\f\r"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SEQUENCE = rb"\x30(?:[\x00-\x7f]|\x81.|\x82..|\x83...)"
# RFC 2986: a CSR is a sequence that begins with one of version 0 and a name, which is a sequence too.
_REQUEST = re.compile(_SEQUENCE * 2 + rb"\x02\x01\x00\x30", re.DOTALL)
# Other base64 contents that users pass: PKCS #1, PKCS #8, SEC 1; encrypted PKCS #8, with an OID of PKCS #5 or #12;
# X.509.
_PRIVATE_KEY = re.compile(
    _SEQUENCE + rb"(?:\x02\x01[\x00\x01]|" + _SEQUENCE + rb"\x06.\x2a\x86\x48\x86\xf7\x0d\x01[\x05\x0c])", re.DOTALL
)
_CERTIFICATE = re.compile(_SEQUENCE * 2 + rb"(?:\xa0|\x02)", re.DOTALL)

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME = 253  # RFC 1035, 2.3.4, as text without the last dot

# Microsoft's name for the extension request, beside the one of RFC 2985.
_EXTENSION_REQUESTS = (_der.EXTENSION_REQUEST, "1.3.6.1.4.1.311.2.1.14")
# RFC 3279, RFC 4055, RFC 5758, and older: signature algorithms with hashes that public CAs no longer accept.
_WEAK = {
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.4": "MD5",
    "1.3.14.3.2.3": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.3.14.3.2.29": "SHA-1",
    "1.2.840.10040.4.3": "SHA-1",
    "1.2.840.10045.4.1": "SHA-1",
}
_HASHES = {
    "1.2.840.113549.1.1.14": "SHA224",
    "1.2.840.113549.1.1.11": "SHA256",
    "1.2.840.113549.1.1.12": "SHA384",
    "1.2.840.113549.1.1.13": "SHA512",
    "1.2.840.10045.4.3.1": "SHA224",
    "1.2.840.10045.4.3.2": "SHA256",
    "1.2.840.10045.4.3.3": "SHA384",
    "1.2.840.10045.4.3.4": "SHA512",
}


class Csr(t.NamedTuple):
    """A certificate signing request.

    Attributes:
        text: the input without a byte order mark, or base64 of DER input.
        fingerprint: SHA-256 of its DER form, hexadecimal.
        public_key: SubjectPublicKeyInfo, DER.
        common_name: of its subject, or None.
        dns_names: its subject alternative names of type DNS, lower case, unchecked.
        has_other_names: whether it has subject alternative names of other types.
    """

    text: str
    fingerprint: str
    public_key: bytes
    common_name: str | None
    dns_names: tuple[str, ...]
    has_other_names: bool


def read_csr(given: str | bytes) -> Csr:
    """Return what a CSR asks for.

    Args:
        given: PEM text or the base64 body of it, also with the byte order marks and the UTF-16 of Windows; bytes may
            be DER as well.

    Raises:
        DigicertError: it is not a CSR, or its signature does not match its key.
        MissingLibraryError: `cryptography` is missing.
    """
    text = _decoded(given)
    whole = a2b_base64(_body(text))
    try:
        info, algorithm, signature = _der.read_value(whole, _der.SEQUENCE).parts()
        _version, subject, public_key, *attributes = info.parts()
        names, others = _der.dns_names(_requested_extensions(attributes))
        common_name = (_der.common_name(subject) or "").strip()
        algorithm_name = _der.oid_text(algorithm.parts()[0])
    except (ValueError, IndexError):
        raise DigicertError("csr is damaged: its parts are not those of a CSR. Create a new one.") from None
    if algorithm_name in _WEAK:
        weak = _WEAK[algorithm_name]
        raise DigicertError(
            f"csr is signed with {weak}, which is no longer safe. Create a CSR that is signed with SHA-256."
        )
    _verify(whole, info.whole, public_key.whole, algorithm_name, signature.content[1:])
    return Csr(text, hashlib.sha256(whole).hexdigest(), public_key.whole, common_name or None, names, others)


def csr_fingerprint(text: str | None) -> str | None:
    """Return the fingerprint, as in `Csr`, of a CSR in any form that a response has; None if it is not a CSR."""
    try:
        return None if text is None else hashlib.sha256(a2b_base64(_body(_decoded(text)))).hexdigest()
    except DigicertError:
        return None


def order_csr(csr: object, csr_format: object = "base64") -> str:
    """Return the string that a request token is made for and that an order must send as `certificate.csr`.

    Args:
        csr: string, a CSR as PEM text or as the base64 body of one.
        csr_format: `base64` for the body on one line, without the BEGIN and END lines; `pem` for the text exactly as
            given; `pem_line` for BEGIN line, body and END line without line breaks. The last two take PEM text only.

    Raises:
        DigicertError: an argument is invalid.
    """
    return hashed_csr(csr, csr_format).decode()


def hashed_csr(csr: object, csr_format: object) -> bytes:
    """Return what `order_csr` returns, as bytes."""
    text = _decoded(text_argument("csr", csr))
    body = _body(text)
    if csr_format == "base64":
        return body
    if csr_format not in ("pem", "pem_line"):
        raise DigicertError("csr_format must be base64, pem, or pem_line.")
    parts = text.split("-----")
    if len(parts) == 1:
        raise DigicertError(f"csr must be PEM text, with its BEGIN and END lines, for csr_format={csr_format}.")
    if csr_format == "pem":
        return text.encode()
    return f"-----{parts[1]}-----{body.decode()}-----{parts[3]}-----".encode()


def text_argument(name: str, value: object) -> str:
    """Return a value that must be a string; raises DigicertError with the name of the argument."""
    if isinstance(value, str):
        return value
    # Before ansible-core 2.19, a vaulted value decrypts itself here, and an undefined one raises its own error.
    text = str(value)
    if getattr(value, "__ENCRYPTED__", False):
        return text
    kind = next(base.__name__ for base in type(value).__mro__ if base.__module__ == "builtins")
    raise DigicertError(f"{name} must be a string, but is of type {kind}.")


def ascii_name(name: str) -> str:
    """Return a DNS name in the form of certificates: A-labels, lower case, without a dot at the end.

    Raises:
        DigicertError: it is not a DNS name.
    """
    wildcard, plain = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    plain = plain[:-1] if plain.endswith(".") else plain
    encoded = plain.lower() if plain.isascii() else _a_labels(plain)
    labels = encoded.split(".")
    # The last label of an IP address is a number, unlike a top-level domain.
    named = all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    if not named or len(wildcard + encoded) > _LONGEST_NAME:
        raise DigicertError(
            f"'{printable(name, 100)}' is not a DNS name. Use DNS names, or wildcards such as *.example.com."
        )
    return wildcard + encoded


def _a_labels(name: str) -> str:
    """Return a name with characters outside ASCII in A-labels (RFC 5891)."""
    shown = printable(name, 100)
    try:
        import idna  # comes with requests
    except ImportError:
        raise DigicertError(
            f"'{shown}' can only be converted to A-labels with the Python library idna. Install it, or write the "
            "name as xn--…"
        ) from None
    try:
        return str(idna.encode(name, uts46=True).decode("ascii"))
    except (idna.IDNAError, UnicodeError):
        raise DigicertError(f"'{shown}' is not a valid internationalized DNS name.") from None


def _decoded(given: str | bytes) -> str:
    """Return a text without a byte order mark, and without the NULs of wrongly decoded UTF-16."""
    if isinstance(given, bytes):
        if _REQUEST.match(given):
            return b64encode(given).decode()
        given = given.decode("latin-1")
    if given.isascii() and "\0" not in given:
        return given
    text = _BYTE_ORDER_MARK.sub("", given)
    for kept, dropped in ((text[0::2], text[1::2]), (text[1::2], text[0::2])):
        if kept and not dropped.strip("\0"):
            return kept
    return text


def _body(text: str) -> bytes:
    """Return the base64 body of a CSR without whitespace; raises DigicertError if the text is not a CSR."""
    parts = text.split("-----", 5)
    if len(parts) == 5 and _FRAMES.get(parts[1]) == parts[3] and not (parts[0] + parts[4]).strip():
        return _checked_body(parts[2])
    if len(parts) == 1:
        return _checked_body(text)
    raise _csr_error(text, _pem_fault(text))


def _checked_body(text: str) -> bytes:
    body = text.encode("ascii", "replace").translate(None, _BLANKS)
    padding = body.translate(None, _BASE64)
    if len(body) % 4 or padding not in (b"", b"=", b"==") or not body.endswith(padding):
        raise _csr_error(text, _base64_fault(text))
    # The beginning shows the type and the length. Decoding everything takes ten times as long.
    head = a2b_base64(body[:20])
    if not _REQUEST.match(head) or _der_length(head) != len(body) // 4 * 3 - len(padding):
        raise _csr_error(text, _der_fault(a2b_base64(body)))
    return body


def _der_length(der: bytes) -> int:
    """Return how many bytes a DER value has according to its first bytes."""
    if der[1] < 0x80:
        return 2 + der[1]
    header = 2 + der[1] - 0x80
    return header + int.from_bytes(der[2:header], "big")


def _csr_error(text: str, fault: str) -> DigicertError:
    """Return the error for a text that is not a CSR; signs of a private key take precedence."""
    if "PRIVATE KEY" in text:
        fault = "contains a private key. Pass the CSR that was made with it instead."
    return DigicertError(f"csr {fault}")


def _pem_fault(text: str) -> str:
    """Say what is wrong with PEM text that is not exactly one CSR."""
    labels = re.findall(r"-----BEGIN ([^-\n]{0,64})-----", text)
    if len(labels) > 1:
        return f"contains {len(labels)} PEM blocks. Pass the CSR alone."
    if not labels:
        return "is incomplete PEM text: its BEGIN line is missing or damaged."
    if labels[0].endswith("CERTIFICATE"):
        return "is a certificate. Pass the CSR that it was made from instead."
    if f"BEGIN {labels[0]}" not in _FRAMES:
        return "is PEM text of something else. Its first line must say CERTIFICATE REQUEST."
    if f"-----END {labels[0]}-----" not in text:
        return "is cut off: the END line that belongs to its BEGIN line is missing or damaged."
    return "has text before or after its PEM block. Pass the PEM block alone."


def _base64_fault(text: str) -> str:
    """Say what is wrong with a body that is not base64."""
    if "\0" in text:
        return "is binary. Pass PEM text, or the DER form in base64 (what slurp returns, without b64decode)."
    return "is neither PEM text nor valid base64. It is damaged, cut off, or something other than a CSR."


def _der_fault(der: bytes) -> str:
    """Say what is wrong with bytes that are not exactly one CSR."""
    if not der:
        return "is empty."
    if b"PRIVATE KEY" in der or _PRIVATE_KEY.match(der):
        return "is a private key. Pass the CSR that was made with it instead."
    if der.startswith(b"-----BEGIN "):
        return "is PEM text that was encoded in base64 once more. Decode it with the filter b64decode."
    if _REQUEST.match(der):
        return f"is cut off or damaged: it should have {_der_length(der)} bytes of DER, but has {len(der)}."
    if _CERTIFICATE.match(der):
        return "is a certificate. Pass the CSR that it was made from instead."
    return "is base64 of something other than a CSR."


def _requested_extensions(attributes: t.Sequence[_der.Value]) -> dict[str, bytes]:
    """Return the extensions that the attributes of a CSR ask for; raises ValueError."""
    found: dict[str, bytes] = {}
    for attribute in attributes[0].parts() if attributes else ():
        kind, values = attribute.parts()
        if _der.oid_text(kind) in _EXTENSION_REQUESTS:
            for value in values.parts():
                found = {**_der.read_extensions(value), **found}
    return found


def _verify(whole: bytes, info: bytes, public_key: bytes, algorithm: str, signature: bytes) -> None:
    """Raise DigicertError unless a CSR was signed with the private key of its public key."""
    library = load_cryptography()
    rsa, ec, hashes = library.rsa, library.ec, library.hashes
    try:
        key = library.serialization.load_der_public_key(public_key)
        # This verifies the original bytes, because some versions of the library encode and sort them again.
        if algorithm in _HASHES and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, info, library.padding.PKCS1v15(), getattr(hashes, _HASHES[algorithm])())
        elif algorithm in _HASHES and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, info, ec.ECDSA(getattr(hashes, _HASHES[algorithm])()))
        elif not library.x509.load_der_x509_csr(whole).is_signature_valid:
            raise library.InvalidSignature
    except library.InvalidSignature:
        raise DigicertError("csr has a signature that does not match its public key. Create a new CSR.") from None
    except library.unreadable:
        raise DigicertError(
            "csr is damaged, or has a key or a signature of a kind that the Python library cryptography cannot read."
        ) from None
