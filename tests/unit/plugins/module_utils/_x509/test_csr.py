# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CSRs of many programs: what is read, in which form they are sent, and what is refused."""

from __future__ import annotations

import base64
import ipaddress
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    MissingLibraryError,
)
from ansible_collections.community.digicert.plugins.module_utils._x509 import csr as csr_module
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import (
    ascii_name,
    csr_fingerprint,
    order_csr,
    read_csr,
)
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.support.csr_samples import value
from tests.support.pki import KEY, ec_key, new_csr, rsa_key

# The extensions of an appliance come before an attribute that should precede them: OpenSSL reads it.
OUT_OF_ORDER = """\
-----BEGIN NEW CERTIFICATE REQUEST-----
MIIBHzCBxQIBADAbMRkwFwYDVQQDDBBzaG9wLmV4YW1wbGUuY29tMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEYeGvpTnMdd47OMKPYsal/jWcJL/hawS7a6EZyoD7
j5I9dMd2cXP3ZgE4n3HfJAz5zsWBwPoJZm1u2rFJ8FVvsKBIMCwGCSqGSIb3DQEJ
DjEfMB0wGwYDVR0RBBQwEoIQc2hvcC5leGFtcGxlLmNvbTAYBgorBgEEAYI3DQID
MQoWCDEwLjAuMS4yMAoGCCqGSM49BAMCA0kAMEYCIQCAZmcR3696PlkWwm3b+u8S
qh90EBH03/FnsrT3eNhhhQIhAOaPJkC6XRXNHUrNKG8A5BAQ88X35PCHuLx1Ryip
drHL
-----END NEW CERTIFICATE REQUEST-----
"""
SIGNED_WITH = {
    "SHA256": bytes.fromhex("06082a8648ce3d040302"),
    "SHA-1 with ECDSA": bytes.fromhex("06072a8648ce3d0401"),
    "SHA-1 with RSA": bytes.fromhex("06092a864886f70d010105"),
    "MD5 with RSA": bytes.fromhex("06092a864886f70d010104"),
}


def public_der(key: object) -> bytes:
    return key.public_key().public_bytes(  # type: ignore[attr-defined, no-any-return]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def der(text: str) -> bytes:
    return base64.b64decode(order_csr(text))


def signed(info: bytes, algorithm: bytes = SIGNED_WITH["SHA256"], signature: bytes | None = None) -> bytes:
    """Return a CSR of the key KEY with this content."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    made = KEY.sign(info, ec.ECDSA(hashes.SHA256())) if signature is None else signature
    return value(0x30, info + value(0x30, algorithm) + value(0x03, b"\0" + made))


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ECDSA", "RSA"])
def test_csr(key: object) -> None:
    csr = read_csr(new_csr("www.example.com", "Example.com", key=key))  # type: ignore[arg-type]
    assert (csr.common_name, csr.dns_names) == ("www.example.com", ("www.example.com", "example.com"))
    assert csr.public_key == public_der(key)
    assert not csr.has_other_names


def test_csr_without_names() -> None:
    csr = read_csr(new_csr(common_name=None))
    assert (csr.common_name, csr.dns_names) == (None, ())
    assert read_csr(new_csr("a.example", others=[x509.IPAddress(ipaddress.ip_address("192.0.2.1"))])).has_other_names


def test_the_same_csr_has_one_fingerprint_in_all_forms() -> None:
    text = new_csr("a.example", key=KEY)
    body = "".join(text.splitlines()[1:-1])
    forms = [text, text.replace("\n", "\r\n"), text.replace("BEGIN ", "BEGIN NEW ").replace("END ", "END NEW "), body]
    assert {csr_fingerprint(form) for form in forms} == {read_csr(text).fingerprint}
    assert csr_fingerprint(new_csr("a.example", key=KEY)) != read_csr(text).fingerprint, (
        "ECDSA signs differently each time"
    )
    assert csr_fingerprint("what is this") is None


def test_csr_with_a_wrong_signature_is_refused() -> None:
    der = bytearray(x509.load_pem_x509_csr(new_csr("a.example").encode()).public_bytes(serialization.Encoding.DER))
    position = der.index(b"a.example")
    der[position] = ord("b")
    with pytest.raises(DigicertError, match="signature that does not match"):
        read_csr(x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode())


@pytest.mark.parametrize(
    ("name", "ascii_form"),
    [
        ("www.Example.COM.", "www.example.com"),
        ("*.EXAMPLE.com", "*.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.BÜCHER.example", "*.xn--bcher-kva.example"),
        ("_x.example", "_x.example"),
    ],
)
def test_names_in_ascii(name: str, ascii_form: str) -> None:
    assert ascii_name(name) == ascii_form


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b.example",
        "*",
        "a.*.example",
        "**.example",
        "a..example",
        "-a.example",
        "x" * 64 + ".example",
        "192.0.2.1",
        "http://a.example",
        "a.example\n",
        "\u00fc..example",
        "\udcff.example",
        "a\x1b[2J.example",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_not_a_name(name: str) -> None:
    with pytest.raises(DigicertError, match=r"is not a .*DNS name"):
        ascii_name(name)


def test_sets_out_of_order_are_read() -> None:
    csr = read_csr(OUT_OF_ORDER)
    assert (csr.common_name, csr.dns_names) == ("shop.example.com", ("shop.example.com",))
    damaged = bytearray(der(OUT_OF_ORDER))
    damaged[damaged.index(b"shop")] ^= 1
    with pytest.raises(DigicertError, match="signature that does not match"):
        read_csr(bytes(damaged))


UTF_16 = "\ufeff" + OUT_OF_ORDER.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "given",
    [
        OUT_OF_ORDER.encode("utf-8-sig"),
        UTF_16.encode("utf-16-le"),
        UTF_16.encode("utf-16-be"),
        OUT_OF_ORDER.encode("utf-16-le"),
        "\ufeff" + OUT_OF_ORDER,
        OUT_OF_ORDER.encode("utf-8-sig").decode("latin-1"),
        UTF_16.encode("utf-16-le").decode("utf-8", "surrogateescape"),
        UTF_16.encode("utf-16-be").decode("utf-8", "surrogateescape"),
        UTF_16.encode("utf-16-le").decode("utf-8", "replace"),
        UTF_16.encode("utf-16-le").decode("latin-1"),
        OUT_OF_ORDER.encode("utf-16-be").decode("ascii"),
        der(OUT_OF_ORDER),
    ],
)
def test_encodings_of_windows_and_der(given: str | bytes) -> None:
    csr = read_csr(given)
    assert csr.fingerprint == csr_fingerprint(OUT_OF_ORDER)
    assert csr.text.isascii()
    assert order_csr(csr.text) == order_csr(OUT_OF_ORDER)
    if isinstance(given, str):
        for csr_format in ("base64", "pem", "pem_line"):
            sent = order_csr(given, csr_format)
            assert sent.replace("\r", "") == order_csr(OUT_OF_ORDER, csr_format)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (OUT_OF_ORDER.replace("\n", "\r"), None),
        (OUT_OF_ORDER.replace("\n", " \n\t"), None),
        (OUT_OF_ORDER.replace("\n", "\u00a0\n"), "neither PEM text nor valid base64"),
        (OUT_OF_ORDER.replace("\n", "\\n"), "has text before or after its PEM block"),
        (OUT_OF_ORDER.replace("-----", "\u2014\u2014-"), "neither PEM text nor valid base64"),
        ("Bag Attributes\n" + OUT_OF_ORDER, "has text before or after its PEM block"),
        (OUT_OF_ORDER.encode("utf-32"), "is binary"),
    ],
)
def test_what_copying_makes_of_a_csr(given: str | bytes, words: str | None) -> None:
    said = failure_of(given)
    assert said == "Good." if words is None else words in said


@pytest.mark.parametrize("case", [name for name in SIGNED_WITH if name != "SHA256"])
def test_weak_signatures_are_named(case: str) -> None:
    _csr, info, *_rest = _parts(der(new_csr("a.example", key=KEY)))
    with pytest.raises(DigicertError, match=f"signed with {case.split()[0]},.*SHA-256"):
        read_csr(signed(info, SIGNED_WITH[case]))


def test_names_of_unknown_kinds_and_microsofts_attribute() -> None:
    """An X.400 address and an EDI party name beside the DNS name, in the attribute that old Windows versions write."""
    names = value(0x30, value(0xA3, b"") + value(0x82, b"A.example") + value(0xA5, value(0xA1, b"")))
    extension = value(0x30, bytes.fromhex("0603551d11") + value(0x04, names))
    attribute = bytes.fromhex("060a2b06010401823702010e") + value(0x31, value(0x30, extension))
    info = b"\x02\x01\0" + value(0x30, b"") + public_der(KEY) + value(0xA0, value(0x30, attribute))
    csr = read_csr(signed(value(0x30, info)))
    assert (csr.common_name, csr.dns_names, csr.has_other_names) == (None, ("a.example",), True)


@pytest.mark.parametrize("kind", ["utf-16-be", "latin-1", "utf-8"])
def test_common_names_in_all_string_types(kind: str) -> None:
    tag = {"utf-16-be": 0x1E, "latin-1": 0x14, "utf-8": 0x0C}[kind]
    attribute = value(0x30, bytes.fromhex("0603550403") + value(tag, "b\u00fccher.example".encode(kind)))
    info = b"\x02\x01\0" + value(0x30, value(0x31, attribute)) + public_der(KEY)
    assert read_csr(signed(value(0x30, info))).common_name == "b\u00fccher.example"


def test_ed25519() -> None:
    key: t.Any = ed25519.Ed25519PrivateKey.generate()
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, None)
    assert read_csr(request.public_bytes(serialization.Encoding.DER)).public_key == public_der(key)


def test_damaged_csrs_have_a_message() -> None:
    """With any wrong byte, the result is a CSR or a DigicertError, never another exception."""
    good = der(new_csr("a.example", key=KEY))
    messages = set()
    for position in range(len(good)):
        for change in (0x01, 0x80, 0xFF):
            wrong = bytearray(good)
            wrong[position] ^= change
            messages.add(failure_of(bytes(wrong)))
    assert len(messages) > 3
    assert all(message.isprintable() and message.endswith(".") for message in messages)


def failure_of(given: str | bytes) -> str:
    """Return the message of the error, or "Good."."""
    try:
        read_csr(given)
    except DigicertError as error:
        return str(error)
    return "Good."


def test_pem_line_is_one_line_with_its_frame() -> None:
    text = new_csr("a.example")
    body = order_csr(text)
    line = f"-----BEGIN CERTIFICATE REQUEST-----{body}-----END CERTIFICATE REQUEST-----"
    for form in (text, text.replace("\n", "\r\n"), line):
        assert order_csr(form, "pem_line") == line
    with pytest.raises(DigicertError, match="must be PEM text"):
        order_csr(body, "pem_line")


def test_cryptography_is_loaded_for_signatures_only(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys\n"
        f"import {csr_module.__name__} as csr, {csr_module.__name__[:-3]}certificates\n"
        f"csr.order_csr({OUT_OF_ORDER!r}); csr.csr_fingerprint('')\n"
        "print('cryptography' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert shown.strip() == "False"
    monkeypatch.setitem(sys.modules, "cryptography", None)
    csr_module.load_cryptography.cache_clear()
    with pytest.raises(MissingLibraryError) as caught:
        read_csr(OUT_OF_ORDER)
    assert (caught.value.library, "ModuleNotFoundError" in caught.value.traceback) == ("cryptography", True)


def _parts(whole: bytes) -> tuple[bytes, ...]:
    from ansible_collections.community.digicert.plugins.module_utils._x509 import der as reader

    [request] = reader.read_values(whole)
    return (whole, *(part.whole for part in request.parts()))
