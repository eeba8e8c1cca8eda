# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""X.509: what is read from CSRs and certificates, which names are covered, which chains hold."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.community.digicert.plugins.module_utils import _certificates
from ansible_collections.community.digicert.plugins.module_utils._certificates import (
    ascii_name,
    chained,
    csr_fingerprint,
    read_certificates,
    read_csr,
    same_serial_number,
    serial_number,
)
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.support.pki import KEY, MIDDLE, ROOT, Authority, ec_key, new_csr, pem, pem_all, rsa_key


def public_der(key: object) -> bytes:
    return key.public_key().public_bytes(  # type: ignore[attr-defined, no-any-return]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


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
    with pytest.raises(DigicertError, match="signature that does not fit"):
        read_csr(x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode())


def test_certificates_in_a_text() -> None:
    leaf = MIDDLE.leaf("www.example.com", "WWW.example.net")
    certificates = read_certificates("-- before --\r\n" + pem_all(leaf).replace("\r\n", "\r\n\r\n"))
    first = certificates[0]
    assert [certificate.subject for certificate in certificates] == ["CN=www.example.com", "CN=Intermediate", "CN=Root"]
    assert [certificate.pem for certificate in certificates] == [
        pem(leaf),
        pem(MIDDLE.certificate),
        pem(ROOT.certificate),
    ]
    assert first.names == ("www.example.com", "www.example.net")
    assert first.public_key == public_der(KEY)
    assert int(first.serial_number, 16) == leaf.serial_number
    assert (first.not_after - first.not_before).days == 199
    assert first.not_after.tzinfo is not None
    assert read_certificates("nothing") == []
    with pytest.raises(DigicertError, match="certificate 2 in it cannot be read"):
        read_certificates(pem(leaf) + "-----BEGIN CERTIFICATE-----\nbm90\n-----END CERTIFICATE-----\n")


def test_dates_of_older_cryptography() -> None:
    aware = read_certificates(pem(ROOT.certificate))[0].not_after

    class Old:
        not_valid_after = aware.replace(tzinfo=None)

    assert _certificates._utc(Old(), "not_valid_after") == aware  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("www.example.com", True),
        ("a.wild.example", True),
        ("*.wild.example", True),
        ("wild.example", False),
        ("a.b.wild.example", False),
        ("*.example.com", False),
        ("example.com", False),
    ],
)
def test_covered_names(name: str, covered: bool) -> None:
    [leaf] = read_certificates(pem(MIDDLE.leaf("www.example.com", "*.wild.example")))
    assert leaf.covers(name) is covered


def test_chain() -> None:
    leaf = MIDDLE.leaf("a.example")
    bundle = chained(read_certificates(pem_all(leaf)))
    assert bundle.chain == pem(MIDDLE.certificate)
    assert bundle.full_chain(include_root=False) == pem(leaf) + pem(MIDDLE.certificate)
    assert bundle.full_chain(include_root=True) == pem(leaf) + pem(MIDDLE.certificate) + pem(ROOT.certificate)
    without_root = chained(read_certificates(pem(leaf) + pem(MIDDLE.certificate)))
    assert (without_root.chain, without_root.root) == (bundle.chain, None)
    assert without_root.full_chain(include_root=True) is None


def test_chain_signed_with_rsa() -> None:
    root = Authority("RSA root", key=rsa_key())
    middle = Authority("RSA intermediate", root, key=rsa_key())
    parts = [middle.leaf("a.example"), middle.certificate, root.certificate]
    assert chained(read_certificates("".join(map(pem, parts)))).root is not None


def test_chain_with_a_forged_rsa_signature() -> None:
    real, forger = Authority("RSA", key=rsa_key()), Authority("RSA", key=rsa_key())
    parts = [forger.leaf("a.example"), real.certificate]
    with pytest.raises(DigicertError, match="not issued by CN=RSA"):
        chained(read_certificates("".join(map(pem, parts))))


def broken_chains() -> dict[str, tuple[list[x509.Certificate], str]]:
    leaf = MIDDLE.leaf("a.example")
    impostor = Authority("Intermediate", ROOT)
    not_a_ca = MIDDLE.leaf("Intermediate")
    below_it = Authority("Intermediate", ROOT, key=KEY).leaf("a.example")
    return {
        "wrong order": ([leaf, ROOT.certificate, MIDDLE.certificate], "not issued by CN=Root"),
        "intermediate missing": ([leaf, ROOT.certificate], "not issued by CN=Root"),
        "same name, other key": ([leaf, impostor.certificate, ROOT.certificate], "not issued by CN=Intermediate"),
        "same key, other name": (
            [leaf, Authority("Other", ROOT, key=MIDDLE.key).certificate],
            "not issued by CN=Other",
        ),
        "issuer is no CA": ([below_it, not_a_ca], "not issued by CN=Intermediate"),
        "unrelated": ([leaf, Authority("Other").certificate], "not issued by CN=Other"),
        "more after the root": ([leaf, MIDDLE.certificate, ROOT.certificate, leaf], "not issued by CN=a.example"),
        "alone": ([leaf], "no intermediate"),
        "none": ([], "no certificate"),
    }


@pytest.mark.parametrize("case", broken_chains())
def test_broken_chain(case: str) -> None:
    certificates, words = broken_chains()[case]
    with pytest.raises(DigicertError, match=words):
        chained(read_certificates("".join(map(pem, certificates))))


def test_serial_numbers() -> None:
    assert [serial_number(value) for value in (0, 10, 0x1234, 0xABC)] == ["00", "0A", "1234", "0ABC"]
    assert same_serial_number("0abc", "AB:C")
    assert not same_serial_number("0abc", "abd")


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
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(DigicertError, match=r"is no .*DNS name"):
        ascii_name(name)
