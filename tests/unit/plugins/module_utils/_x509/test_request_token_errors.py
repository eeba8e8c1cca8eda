# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request tokens: every wrong input has a clear error that names the argument and does not show it."""

from __future__ import annotations

import base64
import traceback
import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import order_csr
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import (
    has_valid_token,
    make_token,
    read_token,
)

from tests.support.csr_samples import (
    AUTH_KEY,
    RSA_KEY,
    body,
    certificate,
    pem,
    private_keys,
    real_csr,
)

DER = real_csr(RSA_KEY)
CSR = pem(DER)
LINES = CSR.splitlines()
KEYS = private_keys()
CERTIFICATE = pem(certificate(), "CERTIFICATE")
LAST = CSR.index("\n-----END")


def failure(call: t.Callable[..., object], *args: object, **kwargs: object) -> str:
    """Return the message of the DigicertError that a call must raise, after checking it for secrets."""
    with pytest.raises(DigicertError) as caught:
        call(*args, **kwargs)
    shown = "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    for given in [*args, *kwargs.values()]:
        for line in given.split() if isinstance(given, str) else []:
            # Words of a message are shorter, and PEM headers are not secret.
            assert len(line) < 13 or line not in shown
    return str(caught.value)


def csr_failure(text: object) -> str:
    """Return the message about a CSR, which must be the same for every function."""
    messages = {
        failure(make_token, text, AUTH_KEY),
        failure(order_csr, text),
        failure(order_csr, text, "pem"),
        failure(has_valid_token, "", text, AUTH_KEY),
    }
    assert len(messages) == 1
    message = messages.pop()
    assert message.startswith("csr ")
    return message


@pytest.mark.parametrize("kind", KEYS)
def test_a_private_key_is_named_as_such(kind: str) -> None:
    key = KEYS[kind]
    for text in (
        key,
        key.replace("\n", "\r\n"),
        key[:200],
        # One of them, like the words of the header, looks like base64.
        *(key.replace("-----", "") + "A" * count for count in range(4)),
        CSR + key,
        key + CSR,
        base64.b64encode(key.encode()).decode(),
        # Without its header, OpenSSH's format cannot be recognized in base64.
        *([body(key)] if kind != "OpenSSH" else []),
    ):
        assert "private key" in csr_failure(text)
    assert failure(make_token, CSR, key) == (
        "auth_key is a private key. Pass the AuthKey of the CertCentral account instead."
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n", "is empty", id="blank"),
        pytest.param(f"{LINES[0]}\n{LINES[-1]}\n", "is empty", id="PEM without a body"),
        pytest.param(CERTIFICATE, "is a certificate", id="certificate"),
        pytest.param(CERTIFICATE.replace(" CERT", " TRUSTED CERT"), "is a certificate", id="trusted certificate"),
        pytest.param(body(CERTIFICATE), "is a certificate", id="bare certificate"),
        pytest.param(pem(certificate()), "is a certificate", id="certificate with the label of a CSR"),
        pytest.param(CSR + CSR, "contains 2 PEM blocks", id="two CSRs"),
        pytest.param(CSR + CERTIFICATE, "contains 2 PEM blocks", id="CSR and certificate"),
        pytest.param(pem(b"0\0", "PUBLIC KEY"), "is PEM text of something else", id="other label"),
        pytest.param("\n".join(LINES[:-1]), "is cut off", id="no END line"),
        pytest.param(CSR[:LAST] + "\n-----END CERTIF", "is cut off", id="half an END line"),
        pytest.param(CSR.replace("END C", "END NEW C"), "is cut off", id="another END line"),
        pytest.param("\n".join(LINES[1:]), "its BEGIN line is missing", id="no BEGIN line"),
        pytest.param("----" + CSR.strip("-\n") + "----", "its BEGIN line is missing", id="dashes lost"),
        pytest.param("\n".join([*LINES[:5], *LINES[6:]]), "is cut off or damaged", id="line lost"),
        pytest.param(pem(DER + b"\0"), "is cut off or damaged", id="a byte too many"),
        pytest.param(body(CSR)[:400], "is cut off or damaged", id="cut off base64"),
        pytest.param(CSR[: LAST - 1] + CSR[LAST:], "is neither PEM text nor valid base64", id="character lost"),
        pytest.param(CSR.replace("\nM", "\n*"), "is neither PEM text nor valid base64", id="not base64"),
        pytest.param(CSR.replace("\nM", "\n="), "is neither PEM text nor valid base64", id="padding within"),
        pytest.param("MII=MIII", "is neither PEM text nor valid base64", id="padding in the middle"),
        pytest.param("M===", "is neither PEM text nor valid base64", id="too much padding"),
        pytest.param(CSR.replace("\nM", "\n\u00e4"), "is neither PEM text nor valid base64", id="not ASCII"),
        pytest.param("/etc/ssl/www.example.com.csr", "is neither PEM text nor valid base64", id="path"),
        pytest.param(f"Certificate Request:\n{CSR}", "has text before or after", id="openssl req -text"),
        pytest.param(AUTH_KEY, "is base64 of something other than a CSR", id="AuthKey"),
        pytest.param(pem(b"0\x03\x02\x01\x05"), "is base64 of something other than a CSR", id="other DER"),
        pytest.param(DER.decode("latin-1"), "is binary", id="DER as Latin-1"),
        pytest.param(DER.decode("utf-8", "surrogateescape"), "is binary", id="DER as b64decode gives it"),
        pytest.param(base64.b64encode(CSR.encode()).decode(), "encoded in base64 once more", id="b64decode forgotten"),
        pytest.param(None, "must be a string, but is of type NoneType", id="null"),
        pytest.param(CSR.encode(), "must be a string, but is of type bytes", id="bytes"),
        pytest.param([CSR], "must be a string, but is of type list", id="list"),
        pytest.param({"csr": CSR}, "must be a string, but is of type dict", id="dict"),
        pytest.param(7, "must be a string, but is of type int", id="int"),
    ],
)
def test_what_is_no_csr(text: object, fault: str) -> None:
    assert fault in csr_failure(text)


def test_pem_needs_its_frame() -> None:
    assert failure(order_csr, body(CSR), "pem").startswith("csr must be PEM text")


@pytest.mark.parametrize("csr_format", ["PEM", "der", "", None, 7, ["pem"], True])
def test_what_is_no_csr_format(csr_format: object) -> None:
    for call, args in ((make_token, (CSR, AUTH_KEY)), (order_csr, (CSR,)), (has_valid_token, ("", CSR, AUTH_KEY))):
        assert failure(call, *args, csr_format=csr_format) == "csr_format must be base64, pem, or pem_line."


@pytest.mark.parametrize(
    ("auth_key", "fault"),
    [
        ("", "auth_key is empty"),
        (" \n", "auth_key is empty"),
        (AUTH_KEY + "\n", "auth_key contains a space"),
        (" " + AUTH_KEY, "auth_key contains a space"),
        (AUTH_KEY + " ", "auth_key contains a space"),
        (AUTH_KEY + "\0", "auth_key contains a space"),
        (AUTH_KEY + "\udc80", "auth_key contains a space"),
        (None, "auth_key must be a string, but is of type NoneType"),
        (AUTH_KEY.encode(), "auth_key must be a string, but is of type bytes"),
        (12345, "auth_key must be a string, but is of type int"),
        (["key"], "auth_key must be a string, but is of type list"),
        ({"auth_key": "key"}, "auth_key must be a string, but is of type dict"),
    ],
)
def test_what_is_no_auth_key(auth_key: object, fault: str) -> None:
    assert failure(make_token, CSR, auth_key).startswith(fault)
    assert failure(has_valid_token, "", CSR, auth_key).startswith(fault)


@pytest.mark.parametrize(
    "timestamp",
    [
        *("20261399000000", "20260229000000", "20261123240000", "20261123006000", "20261123000060", "00001123000000"),
        *("99991231235959", "2026112300000", "202611230000000", "2026-11-23T00:00", "2026112300000 ", "+2026112300000"),
        *("", AUTH_KEY, "\u0662\u0660\u0662\u06661123000000"),
    ],
)
def test_what_is_no_timestamp(timestamp: str) -> None:
    message = failure(make_token, CSR, AUTH_KEY, timestamp=timestamp)
    assert message == "timestamp must be a date with 14 digits, YYYYMMDDhhmmss in UTC."


def test_a_timestamp_that_is_a_number_says_so() -> None:
    message = failure(make_token, CSR, AUTH_KEY, timestamp=20261123000000)
    assert message == "timestamp must be a string, but is of type int."


@pytest.mark.parametrize("backdate", ["300", None, 1.5, True, [300], b"300"])
def test_what_is_no_backdate(backdate: object) -> None:
    assert failure(make_token, CSR, AUTH_KEY, backdate=backdate).startswith("backdate must be a whole number")


@pytest.mark.parametrize("backdate", [-1, 30 * 86400, 10**30])
def test_backdate_out_of_range(backdate: int) -> None:
    assert failure(make_token, CSR, AUTH_KEY, backdate=backdate).startswith("backdate must be at least 0 seconds")


@pytest.mark.parametrize("text", ["", "nothing", "20261399000000" + "1" * 50, "20261123000000" + "7" * 50, "9" * 64])
def test_a_text_without_a_token(text: str) -> None:
    assert failure(read_token, text).startswith("The input does not contain a request token")


@pytest.mark.parametrize(("text", "kind"), [(None, "NoneType"), (7, "int"), (["2026"], "list"), (b"2026", "bytes")])
def test_a_text_that_is_no_string(text: object, kind: str) -> None:
    message = f"The input must be a string, but is of type {kind}."
    assert failure(read_token, text) == message
    assert failure(has_valid_token, text, CSR, AUTH_KEY) == message


class Vaulted:
    """A vaulted value as ansible-core before 2.19 passes it to plugins."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        return AUTH_KEY


class Int(int):
    """A number as ansible-core 2.19 and later pass it to plugins, with its own type."""


def test_types_of_ansible_core() -> None:
    assert make_token(CSR, Vaulted(), now=0) == make_token(CSR, AUTH_KEY, now=0)
    assert failure(make_token, CSR, Int(7)) == "auth_key must be a string, but is of type int."
