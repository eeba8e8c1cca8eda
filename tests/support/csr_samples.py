# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CSRs and keys for the tests of request tokens: real ones, and generated ones."""

from __future__ import annotations

import base64
import textwrap
import typing as t

from cryptography.hazmat.primitives import serialization
from hypothesis import strategies as st

from tests.support.pki import Authority, build_csr, der, ec_key, rsa_key

AUTH_KEY = "1f3870be274f6c49b3e31a0c6728957f"
LABEL = "CERTIFICATE REQUEST"
EC_KEY = ec_key()
RSA_KEY = rsa_key()


def pem(content: bytes, label: str = LABEL, width: int = 64, eol: str = "\n") -> str:
    """Return DER bytes as PEM text, with a line end after the last line."""
    lines = textwrap.wrap(base64.b64encode(content).decode(), width)
    return eol.join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def body(text: str) -> str:
    """Return the base64 body of PEM text on one line."""
    return "".join(line.strip() for line in text.splitlines() if not line.startswith("-----"))


def real_csr(key: t.Any) -> bytes:
    """Return a CSR (DER) made with a private key."""
    return der(build_csr(common_name="www.example.com", key=key))


def certificate() -> bytes:
    """Return a self-signed certificate (DER)."""
    return der(Authority("www.example.com", key=EC_KEY).certificate)


def private_keys() -> dict[str, str]:
    """Return PEM text of private keys in all common forms."""
    formats = serialization.PrivateFormat
    plain, secret = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"secret")
    ways: dict[str, tuple[t.Any, t.Any, t.Any]] = {
        "PKCS 1": (RSA_KEY, formats.TraditionalOpenSSL, plain),
        "PKCS 8": (RSA_KEY, formats.PKCS8, plain),
        "PKCS 8, encrypted": (RSA_KEY, formats.PKCS8, secret),
        "SEC 1": (EC_KEY, formats.TraditionalOpenSSL, plain),
        "PKCS 8, EC": (EC_KEY, formats.PKCS8, plain),
        "OpenSSH": (EC_KEY, formats.OpenSSH, plain),
    }
    return {
        name: key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()
        for name, (key, form, encryption) in ways.items()
    }


def value(tag: int, content: bytes) -> bytes:
    """Return a DER value."""
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 + len(length)]) + length + content


def _csr(name: bytes, rest: bytes, signature: bytes) -> bytes:
    return value(0x30, value(0x30, b"\x02\x01\x00" + value(0x30, name) + rest) + signature)


# Any CSR, as far as it can be one without cryptography: a version, a name, and what follows.
any_der = st.builds(_csr, st.binary(max_size=40), st.binary(max_size=600), st.binary(max_size=300))
labels = st.sampled_from([LABEL, f"NEW {LABEL}"])
any_pem = st.builds(pem, any_der, labels, st.integers(1, 80), st.sampled_from(["\n", "\r\n", " \n", "\t \r\n"]))
any_csr = any_pem | any_pem.map(body)
# AuthKeys without spaces around them or control characters, which are refused.
any_key = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=100).filter(
    lambda key: key.isprintable() and key == key.strip()
)
