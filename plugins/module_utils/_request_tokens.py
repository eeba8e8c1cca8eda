# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Request tokens: make one, read the dates of one, look for a valid one in a text.

The rules are those of section 3, "Request tokens", of the API page. This file knows no Ansible and sends nothing.

Arguments are checked here, whatever their type, so that every caller gets the same errors. No error holds a part of a
CSR, an AuthKey or a text: any of them can be a secret that was passed by mistake.
"""

from __future__ import annotations

import hmac
import re
import time
import typing as t
from binascii import a2b_base64
from datetime import MAXYEAR, datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

TOKEN_LENGTH = 64
DEFAULT_BACKDATE = 300

_VALID_SECONDS = 30 * 86400
VALIDITY = timedelta(seconds=_VALID_SECONDS)
_DATE_LENGTH = 14
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]

# A 256-bit number of 50 digits begins with 6 at most.
_TOKEN = re.compile(r"(?=([0-9]{14}[0-6][0-9a-z]{49}))")

_FRAMES = {
    "BEGIN CERTIFICATE REQUEST": "END CERTIFICATE REQUEST",
    "BEGIN NEW CERTIFICATE REQUEST": "END NEW CERTIFICATE REQUEST",
}
_BLANKS = b" \t\n\v\f\r"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SEQUENCE = rb"\x30(?:[\x00-\x7f]|\x81.|\x82..|\x83...)"
# RFC 2986: a CSR is a sequence that begins with one of version 0 and a name, which is a sequence too.
_REQUEST = re.compile(_SEQUENCE * 2 + rb"\x02\x01\x00\x30", re.DOTALL)
# What else people have in base64: PKCS #1, PKCS #8, SEC 1; encrypted PKCS #8, with an OID of PKCS #5 or #12; X.509.
_PRIVATE_KEY = re.compile(
    _SEQUENCE + rb"(?:\x02\x01[\x00\x01]|" + _SEQUENCE + rb"\x06.\x2a\x86\x48\x86\xf7\x0d\x01[\x05\x0c])", re.DOTALL
)
_CERTIFICATE = re.compile(_SEQUENCE * 2 + rb"(?:\xa0|\x02)", re.DOTALL)


class TokenInfo(t.NamedTuple):
    """What a request token says about itself: its 14 digits, and from when to when it is valid (UTC, inclusive)."""

    timestamp: str
    created: datetime
    expires: datetime

    @classmethod
    def of(cls, timestamp: str) -> TokenInfo | None:
        """Return what 14 digits mean as a timestamp, or None when they are no date."""
        created = _parsed(timestamp)
        return None if created is None else cls(timestamp, created, created + VALIDITY)

    def valid(self, now: float) -> bool:
        """Return whether `now` (seconds since 1970) lies in the 30 days, the first and the last instant included."""
        return self.created.timestamp() <= now <= self.expires.timestamp()

    def expired(self, now: float) -> bool:
        """Return whether the 30 days are over at `now` (seconds since 1970)."""
        return now > self.expires.timestamp()

    def remaining_days(self, now: float) -> float:
        """Return the days (24 hours each) left at `now` (seconds since 1970), negative when expired."""
        return (self.expires.timestamp() - now) / 86400


def make_token(
    csr: object,
    auth_key: object,
    *,
    timestamp: object = None,
    backdate: object = DEFAULT_BACKDATE,
    csr_format: object = "base64",
    now: float | None = None,
) -> str:
    """Return the request token for a CSR, 64 characters.

    Args:
        csr: string, a CSR as PEM text or as the base64 body of one.
        auth_key: string, the AuthKey.
        timestamp: string of 14 digits, YYYYMMDDhhmmss in UTC; None for now, moved back by `backdate`.
        backdate: whole seconds, at least 0 and less than 30 days; not used when there is a `timestamp`.
        csr_format: what to hash, see `order_csr`.
        now: seconds since 1970; None for the clock.

    Raises:
        DigicertError: an argument is not what it should be.
    """
    hashed = _hashed_csr(csr, csr_format)
    key = _key(auth_key)
    if timestamp is None:
        moment = (time.time() if now is None else now) - _seconds_back(backdate)
        return _token(time.strftime("%Y%m%d%H%M%S", time.gmtime(moment)), hashed, key)
    digits = _text("timestamp", timestamp)
    if _parsed(digits) is None:
        raise DigicertError("timestamp must be a date of 14 digits, YYYYMMDDhhmmss in UTC.")
    return _token(digits, hashed, key)


def order_csr(csr: object, csr_format: object = "base64") -> str:
    """Return the string that a token is made for and that an order must send as `certificate.csr`.

    Args:
        csr: string, a CSR as PEM text or as the base64 body of one.
        csr_format: `base64` for the body on one line, without the BEGIN and END lines; `pem` for the text exactly as
            given, which must be PEM then.

    Raises:
        DigicertError: an argument is not what it should be.
    """
    return _hashed_csr(csr, csr_format).decode()


def read_token(text: object) -> TokenInfo:
    """Return what the first request token in a text says about itself; the HMAC is not checked.

    Args:
        text: string, a token or a text that contains one.

    Raises:
        DigicertError: `text` is no string, or holds no token.
    """
    for found in _TOKEN.finditer(_text("The input", text)):
        info = TokenInfo.of(found.group(1)[:_DATE_LENGTH])
        if info is not None:
            return info
    raise DigicertError(
        "The input holds no request token, which is 64 characters: the 14 digits of a date, then 50 of 0-9 and a-z."
    )


def has_valid_token(
    text: object, csr: object, auth_key: object, *, csr_format: object = "base64", now: float | None = None
) -> bool:
    """Return whether a text holds a request token that DigiCert's validator accepts.

    Like the validator, it looks at every 64 characters that begin with the current or the previous year.

    Args:
        text: string, for example the value of a TXT record or the body of a file.
        csr: string, a CSR as PEM text or as the base64 body of one.
        auth_key: string, the AuthKey.
        csr_format: what was hashed, see `order_csr`.
        now: seconds since 1970; None for the clock.

    Raises:
        DigicertError: an argument is not what it should be.
    """
    body = _text("The input", text)
    hashed = _hashed_csr(csr, csr_format)
    key = _key(auth_key)
    moment = time.time() if now is None else now
    year = time.gmtime(moment).tm_year
    for begin in (str(year), str(year - 1)):
        for found in re.finditer(begin, body):
            candidate = body[found.start() : found.start() + TOKEN_LENGTH]
            info = TokenInfo.of(candidate[:_DATE_LENGTH])
            if info is None or not info.valid(moment):
                continue
            expected = _token(info.timestamp, hashed, key)
            # As bytes, because compare_digest() takes no string that has other characters than ASCII.
            if hmac.compare_digest(candidate.encode("utf-8", "replace"), expected.encode()):
                return True
    return False


def base36(digest: bytes) -> str:
    """Return a digest of 32 bytes, read as one unsigned big-endian integer, as 50 digits 0-9a-z."""
    number = int.from_bytes(digest, "big")
    pairs = []
    # Dividing is what costs. Four digits at a time are the most that keeps the remainder in one digit of Python's int.
    for _step in range(12):
        number, four = divmod(number, 1679616)
        pairs.append(_PAIRS[four % 1296])
        pairs.append(_PAIRS[four // 1296])
    pairs.append(_PAIRS[number])
    pairs.reverse()
    return "".join(pairs)


def _parsed(timestamp: str) -> datetime | None:
    """Return the date that 14 digits mean, or None; strptime() takes three times as long and allows blanks."""
    if len(timestamp) != _DATE_LENGTH or not (timestamp.isascii() and timestamp.isdigit()):
        return None
    try:
        created = datetime(
            int(timestamp[:4]),
            int(timestamp[4:6]),
            int(timestamp[6:8]),
            int(timestamp[8:10]),
            int(timestamp[10:12]),
            int(timestamp[12:]),
            tzinfo=timezone.utc,
        )
    except ValueError:
        return None
    # Where Python's calendar ends, the expiry is no date.
    return None if created.year == MAXYEAR else created


def _token(timestamp: str, hashed: bytes, key: bytes) -> str:
    return timestamp + base36(hmac.digest(key, timestamp.encode() + hashed, "sha256"))


def _text(name: str, value: object) -> str:
    """Return a value that must be a string; raises DigicertError, which names the argument."""
    if isinstance(value, str):
        return value
    # Before ansible-core 2.19, a vaulted value decrypts itself here, and an undefined one raises its own error.
    text = str(value)
    if getattr(value, "__ENCRYPTED__", False):
        return text
    kind = next(base.__name__ for base in type(value).__mro__ if base.__module__ == "builtins")
    raise DigicertError(f"{name} must be a string, and is of type {kind}.")


def _key(auth_key: object) -> bytes:
    """Return an AuthKey as bytes; raises DigicertError."""
    key = _text("auth_key", auth_key)
    if key.isprintable() and key and key[0] != " " != key[-1]:
        return key.encode()
    if not key.strip():
        raise DigicertError("auth_key is empty.")
    if "PRIVATE KEY" in key:
        raise DigicertError("auth_key is a private key. Pass the AuthKey of the CertCentral account instead.")
    raise DigicertError(
        "auth_key has blanks around it, a line break, or another character that no AuthKey has. "
        "Remove blanks and line breaks around it with the filter trim."
    )


def _seconds_back(backdate: object) -> int:
    """Return `backdate`, checked; raises DigicertError."""
    if not isinstance(backdate, int) or isinstance(backdate, bool):
        str(backdate)  # see _text()
        raise DigicertError("backdate must be a whole number of seconds. Convert it with the filter int.")
    if not 0 <= backdate < _VALID_SECONDS:
        raise DigicertError("backdate must be at least 0 seconds, and less than the 30 days that a token is valid.")
    return backdate


def _hashed_csr(csr: object, csr_format: object) -> bytes:
    """Return what `order_csr` returns, as bytes."""
    text = _text("csr", csr)
    parts = text.split("-----")
    if len(parts) == 5 and _FRAMES.get(parts[1]) == parts[3] and not (parts[0] + parts[4]).strip():
        body = _checked_body(parts[2])
    elif len(parts) == 1:
        body = _checked_body(text)
    else:
        raise _csr_error(text, _pem_fault(text))
    if csr_format == "base64":
        return body
    if csr_format != "pem":
        raise DigicertError("csr_format must be base64 or pem.")
    if len(parts) == 1:
        raise DigicertError("csr must be PEM text, with its BEGIN and END lines, for csr_format=pem.")
    return text.encode()


def _checked_body(text: str) -> bytes:
    """Return the base64 body of a CSR without blanks; raises DigicertError when it is no CSR."""
    body = text.encode("ascii", "replace").translate(None, _BLANKS)
    padding = body.translate(None, _BASE64)
    if len(body) % 4 or padding not in (b"", b"=", b"==") or not body.endswith(padding):
        raise _csr_error(text, _base64_fault(text))
    # Enough to see what it is and how long it should be; to decode all of it takes ten times as long.
    head = a2b_base64(body[:20])
    if not _REQUEST.match(head) or _der_length(head) != len(body) // 4 * 3 - len(padding):
        raise _csr_error(text, _der_fault(a2b_base64(body)))
    return body


def _der_length(der: bytes) -> int:
    """Return how many bytes a DER value has by the account of its first bytes."""
    if der[1] < 0x80:
        return 2 + der[1]
    header = 2 + der[1] - 0x80
    return header + int.from_bytes(der[2:header], "big")


def _csr_error(text: str, fault: str) -> DigicertError:
    """Return the error for a text that is no CSR; what says that it is a private key counts before any other fault."""
    if "PRIVATE KEY" in text:
        fault = "holds a private key. Pass the CSR that was made with it instead."
    return DigicertError(f"csr {fault}")


def _pem_fault(text: str) -> str:
    """Say what is wrong with PEM text that is not exactly one CSR."""
    labels = re.findall(r"-----BEGIN ([^-]*)-----", text)
    if len(labels) > 1:
        return f"holds {len(labels)} PEM blocks. Pass the CSR alone."
    if not labels:
        return "is no complete PEM text: its BEGIN line is missing or damaged."
    if labels[0].endswith("CERTIFICATE"):
        return "is a certificate. Pass the CSR that it was made from instead."
    if f"BEGIN {labels[0]}" not in _FRAMES:
        return "is PEM text of something else. Its first line must say CERTIFICATE REQUEST."
    if f"-----END {labels[0]}-----" not in text:
        return "is cut off: the END line that belongs to its BEGIN line is missing or damaged."
    return "has text before or after its PEM block. Pass the PEM block alone."


def _base64_fault(text: str) -> str:
    """Say what is wrong with a body that is no base64."""
    if "\0" in text:
        return "is binary. Pass PEM text, or the DER form in base64 (what slurp returns, without b64decode)."
    return "is neither PEM text nor valid base64. It is damaged, cut off, or no CSR."


def _der_fault(der: bytes) -> str:
    """Say what is wrong with bytes that are not exactly one CSR."""
    if not der:
        return "is empty."
    if b"PRIVATE KEY" in der or _PRIVATE_KEY.match(der):
        return "is a private key. Pass the CSR that was made with it instead."
    if der.startswith(b"-----BEGIN "):
        return "is PEM text that was encoded in base64 once more. Decode it with the filter b64decode."
    if _REQUEST.match(der):
        return f"is cut off or damaged: it should have {_der_length(der)} bytes of DER, and has {len(der)}."
    if _CERTIFICATE.match(der):
        return "is a certificate. Pass the CSR that it was made from instead."
    return "is base64 of something that is no CSR."
