# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates: their contents, the names that they cover, and how chains are built."""

from __future__ import annotations

import base64
import time
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._x509 import certificates as _certificates
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import (
    Certificate,
    build_chain,
    describe,
    read_certificates,
    serial_number,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.der import read_values
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.csr_samples import value
from tests.support.pki import KEY, MIDDLE, ROOT, Authority, name_of, pem, pem_all, rsa_key


def public_der(key: object) -> bytes:
    return key.public_key().public_bytes(  # type: ignore[attr-defined, no-any-return]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


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
    bundle = build_chain(read_certificates(pem_all(leaf)))
    assert bundle.chain == pem(MIDDLE.certificate)
    assert bundle.full_chain(include_root=False) == pem(leaf) + pem(MIDDLE.certificate)
    assert bundle.full_chain(include_root=True) == pem(leaf) + pem(MIDDLE.certificate) + pem(ROOT.certificate)
    without_root = build_chain(read_certificates(pem(leaf) + pem(MIDDLE.certificate)))
    assert (without_root.chain, without_root.root) == (bundle.chain, None)
    assert without_root.full_chain(include_root=True) is None


def test_chain_signed_with_rsa() -> None:
    root = Authority("RSA root", key=rsa_key())
    middle = Authority("RSA intermediate", root, key=rsa_key())
    parts = [middle.leaf("a.example"), middle.certificate, root.certificate]
    assert build_chain(read_certificates("".join(map(pem, parts)))).root is not None


def test_chain_with_a_forged_rsa_signature() -> None:
    real, forger = Authority("RSA", key=rsa_key()), Authority("RSA", key=rsa_key())
    parts = [forger.leaf("a.example"), real.certificate]
    with pytest.raises(DigicertError, match="of CN=RSA in it did not issue"):
        build_chain(read_certificates("".join(map(pem, parts))))


def broken_chains() -> dict[str, tuple[list[x509.Certificate], str]]:
    leaf = MIDDLE.leaf("a.example")
    impostor = Authority("Intermediate", ROOT)
    not_a_ca = MIDDLE.leaf("Intermediate")
    below_it = Authority("Intermediate", ROOT, key=KEY).leaf("a.example")
    missing = "does not contain CN=Intermediate, the intermediate certificate that issued CN=a.example"
    broken = "of CN=Intermediate in it did not issue CN=a.example"
    return {
        "intermediate missing": ([leaf, ROOT.certificate], missing),
        "same name, other key": ([leaf, impostor.certificate, ROOT.certificate], broken),
        "same key, other name": ([leaf, Authority("Other", ROOT, key=MIDDLE.key).certificate], missing),
        "issuer is not a CA": ([below_it, not_a_ca], broken),
        "unrelated": ([leaf, Authority("Other").certificate], missing),
        "alone": ([leaf], missing),
        "root alone": ([ROOT.certificate], "no intermediate"),
        "none": ([], "no certificate"),
    }


@pytest.mark.parametrize("case", broken_chains())
def test_broken_chain(case: str) -> None:
    certificates, words = broken_chains()[case]
    with pytest.raises(DigicertError, match=words):
        build_chain(read_certificates("".join(map(pem, certificates))))


def test_serial_numbers() -> None:
    assert [serial_number(value) for value in (0, 10, 0x1234, 0xABC)] == ["00", "0A", "1234", "0ABC"]
    assert same_serial_number("0abc", "AB:C")
    assert not same_serial_number("0abc", "abd")


def read(*certificates: x509.Certificate) -> list[Certificate]:
    return read_certificates("".join(map(pem, certificates)))


def odd(
    authority: Authority, *extensions: x509.ExtensionType, subject: x509.Name | None = None, **dates: datetime
) -> x509.Certificate:
    """Return a certificate for KEY with these extensions and no others."""
    now = datetime.now(timezone.utc)
    begin, end = dates.get("begin", now - timedelta(days=1)), dates.get("end", now + timedelta(days=99))
    builder = x509.CertificateBuilder(authority.name, subject or name_of("a.example"), KEY.public_key(), 17, begin, end)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(authority.key, hashes.SHA256())


@pytest.mark.parametrize("with_key", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_chain_is_sorted_out(seed: int, with_key: bool) -> None:
    """In any order, with duplicates, unrelated certificates, an expired intermediate, and a cross-signed root."""
    leaf = MIDDLE.leaf("a.example")
    expired = ROOT.sign(MIDDLE.name, MIDDLE.key, days=-1, age=300, ca=True)
    stranger = Authority("Stranger")
    parts = [leaf, expired, MIDDLE.certificate, ROOT.certificate, leaf, stranger.certificate, MIDDLE.certificate]
    rotated = parts[seed * 2 :] + parts[: seed * 2]
    bundle = build_chain(read(*rotated), public_der(KEY) if with_key else None)
    assert bundle.full_chain(include_root=True) == pem_all(leaf).replace("\r", "")


def test_two_intermediates_and_a_cross_signed_root() -> None:
    old = Authority("Old root")
    crossed = old.sign(ROOT.name, ROOT.key, days=100, ca=True)
    leaf = MIDDLE.leaf("a.example")
    bundle = build_chain(read(old.certificate, crossed, leaf, MIDDLE.certificate))
    assert [one.subject for one in bundle.intermediates] == ["CN=Intermediate", "CN=Root"]
    assert bundle.root is not None
    assert bundle.root.subject == "CN=Old root"


def test_certificates_that_certify_each_other_end() -> None:
    a, b = Authority("A"), Authority("B")
    loop = [a.sign(b.name, b.key, days=9, ca=True), b.sign(a.name, a.key, days=9, ca=True)]
    assert len(build_chain(read(*loop, a.leaf("x.example"))).intermediates) == 2


def test_a_placeholder_with_the_same_key_is_not_the_leaf() -> None:
    placeholder = Authority("a.example", key=KEY).leaf("a.example")
    leaf = MIDDLE.leaf("a.example")
    for parts in ([placeholder, leaf, MIDDLE.certificate], [MIDDLE.certificate, leaf, placeholder]):
        assert build_chain(read(*parts)).leaf.pem == pem(leaf)
        assert build_chain(read(*parts), public_der(KEY)).leaf.pem == pem(leaf)
    with pytest.raises(DigicertError, match="no certificate for this public key"):
        build_chain(read(leaf, MIDDLE.certificate), public_der(ROOT.key))


def test_expired_intermediates_are_flagged() -> None:
    expired = ROOT.sign(MIDDLE.name, MIDDLE.key, days=-1, age=300, ca=True)
    bundle = build_chain(read(MIDDLE.leaf("a.example"), expired))
    now = datetime.now(timezone.utc)
    assert [one.pem for one in bundle.invalid_intermediates(now)] == [pem(expired)]
    assert bundle.invalid_intermediates(now - timedelta(days=30)) == ()


def leaf_faults() -> dict[str, tuple[x509.Certificate, str | None]]:
    now = datetime.now(timezone.utc)
    usage = ExtendedKeyUsageOID
    server, client = usage.SERVER_AUTH, usage.CLIENT_AUTH
    return {
        "good": (MIDDLE.leaf("a.example"), None),
        "both purposes": (odd(MIDDLE, x509.ExtendedKeyUsage([client, server])), None),
        "any purpose": (odd(MIDDLE, x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.5.29.37.0")])), None),
        "client only": (odd(MIDDLE, x509.ExtendedKeyUsage([client])), "is not meant for TLS servers."),
        "signs code": (odd(MIDDLE, x509.ExtendedKeyUsage([usage.CODE_SIGNING])), "is not meant for TLS servers."),
        "CA": (MIDDLE.certificate, "is a CA certificate."),
        "placeholder": (odd(Authority("a.example", key=KEY)), "is self-signed."),
        "not yet valid": (odd(MIDDLE, begin=now + timedelta(days=1)), "is not valid before 20"),
        "expired": (MIDDLE.leaf("a.example", days=-1, age=9), "has been expired since 20"),
    }


@pytest.mark.parametrize("case", leaf_faults())
def test_what_is_wrong_with_a_leaf(case: str) -> None:
    certificate, fault = leaf_faults()[case]
    said = read(certificate)[0].leaf_fault(datetime.now(timezone.utc))
    assert said == fault or (said or "").startswith(fault or "?")


def test_the_last_year_of_the_calendar() -> None:
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
    [one] = read(odd(MIDDLE, end=end, begin=datetime(1950, 1, 1, tzinfo=timezone.utc)))
    assert (one.not_after, one.leaf_fault(end)) == (end, None)
    assert describe([one])["certificates"][0]["not_after"] == "9999-12-31T23:59:59+00:00"


def test_names_of_unknown_kinds_are_tolerated() -> None:
    """An X.400 address and an EDI party name, which cryptography does not know, beside a DNS name."""
    names = bytes.fromhex("3014a300 8209") + b"A.example" + bytes.fromhex("a505a103 0c0161")
    [one] = read(odd(MIDDLE, x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), names)))
    assert (one.names, one.is_ca, one.allows_server_auth) == (("a.example",), False, True)
    assert build_chain([one, *read(MIDDLE.certificate)]).leaf is one


def test_hostile_names_are_printable() -> None:
    hostile = "a\x1b[31m\u202eb\n" + "c" * 30
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, hostile)])
    names = bytes.fromhex("300b8209") + b"\x1b[2Jevil\x07"
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), names)
    [one] = read(odd(MIDDLE, extension, subject=subject))
    shown = describe([one])["certificates"][0]
    for text in (one.subject, one.issuer, *one.names, shown["subject"], *shown["dns_names"]):
        assert text.isprintable()


@pytest.mark.parametrize(
    "unit",
    [
        "-----BEGIN CERTIFICATE-----\n",
        "-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n",
        "-----BEGIN CERTIFICATE",
        "-",
        "-----BEGIN CERTIFICATE----------END CERTIFICATE-----",
    ],
)
def test_reading_takes_linear_time(unit: str) -> None:
    """4 MiB take well below a second; the quadratic search took minutes."""
    text = unit * (4 * 1024 * 1024 // len(unit))
    begin = time.process_time()
    assert read_certificates(text, skip_damaged=True) == []
    if "BEGIN CERTIFICATE-----" in unit:
        with pytest.raises(DigicertError):
            read_certificates(text)
    assert time.process_time() - begin < 2


def test_many_certificates_take_seconds() -> None:
    """Ten thousand, most of them the same, and hundreds that have the name of the issuer but not its key."""
    impostor = Authority("Intermediate")
    others = [impostor.sign(impostor.name, KEY, days=9, ca=True, serial_number=1 + number) for number in range(300)]
    leaf = MIDDLE.leaf("a.example")
    begin = time.process_time()
    bundle = build_chain(read(leaf, *others, *[MIDDLE.certificate] * 10_000))
    assert bundle.chain == pem(MIDDLE.certificate)
    assert time.process_time() - begin < 10


def test_damaged_certificates_can_be_skipped() -> None:
    leaf = MIDDLE.leaf("a.example")
    cut_off = pem(MIDDLE.certificate)[:300]
    damaged = pem(MIDDLE.certificate).replace("MII", "AII", 1)
    for text in (cut_off + pem(leaf), damaged + pem(leaf), pem(leaf) + damaged, pem(leaf) + cut_off):
        assert [one.pem for one in read_certificates(text, skip_damaged=True)] == [pem(leaf)]
        with pytest.raises(DigicertError, match=r"cannot be read\.|cut off"):
            read_certificates(text)


@pytest.mark.parametrize(("size", "is_read"), [(20, True), (40, True), (41, False), (100_000, False)])
def test_serial_numbers_have_a_limit(size: int, is_read: bool) -> None:
    [whole] = read_values(MIDDLE.leaf("a.example").public_bytes(serialization.Encoding.DER))
    info, *signature = whole.parts()
    version, _serial_number, *rest = info.parts()
    changed = version.whole + value(0x02, b"\x7f" * size) + b"".join(part.whole for part in rest)
    made = value(0x30, value(0x30, changed) + b"".join(part.whole for part in signature))
    text = f"-----BEGIN CERTIFICATE-----{base64.b64encode(made).decode()}-----END CERTIFICATE-----"
    assert [one.serial_number for one in read_certificates(text, skip_damaged=True)] == ["7F" * size] * is_read


def test_any_damaged_byte_has_a_message() -> None:
    good = MIDDLE.leaf("a.example").public_bytes(serialization.Encoding.DER)
    for position in range(len(good)):
        wrong = bytearray(good)
        wrong[position] ^= 0x15
        text = base64.b64encode(wrong).decode()
        described = describe(
            read_certificates(f"-----BEGIN CERTIFICATE-----{text}-----END CERTIFICATE-----", skip_damaged=True)
        )
        assert len(described["certificates"]) < 2


def test_unsupported_keys_do_not_matter_above_the_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The public key of a certificate is read as bytes, because the library may not know its type."""
    [one] = read(ROOT.certificate)
    assert one.public_key == public_der(ROOT.key)
    library: t.Any = _certificates.load_cryptography()
    monkeypatch.setattr(library, "ec", type("None of them", (), {"EllipticCurvePublicKey": ()}))
    [unknown] = read(ROOT.certificate)
    assert (unknown.public_key, unknown.is_self_signed) == (one.public_key, False)
