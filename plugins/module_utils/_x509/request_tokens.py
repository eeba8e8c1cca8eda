# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Request tokens: make one, read its dates, find a valid one in a text.

The rules are those of section 3, "Request tokens", of the API page. This file does not import Ansible and sends
nothing.

This file checks arguments of any type, so every caller gets the same errors. Errors never contain a part of a CSR, an
AuthKey, or a text, because each of them can be a secret that was passed by mistake.
"""

from __future__ import annotations

import hmac
import re
import time
import typing as t
from datetime import MAXYEAR, datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import hashed_csr, text_argument

TOKEN_LENGTH = 64
DEFAULT_BACKDATE = 300

_VALID_SECONDS = 30 * 86400
VALIDITY = timedelta(seconds=_VALID_SECONDS)
_DATE_LENGTH = 14
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_READ_OF_A_FILE = 5000  # characters that DigiCert reads of one

# A 256-bit number with 50 digits begins with 6 at most.
_TOKEN = re.compile(r"(?=([0-9]{14}[0-6][0-9a-z]{49}))")


class TokenInfo(t.NamedTuple):
    """What a request token says about itself: its 14 digits, and from when to when it is valid (UTC, inclusive)."""

    timestamp: str
    created: datetime
    expires: datetime

    @classmethod
    def of(cls, timestamp: str) -> TokenInfo | None:
        """Return the dates of a timestamp with 14 digits, or None if it is not a date."""
        created = _parsed(timestamp)
        return None if created is None else cls(timestamp, created, created + VALIDITY)

    def valid(self, now: float) -> bool:
        """Return whether `now` (seconds since 1970) is in the 30 days, which include the first and the last instant."""
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
        csr_format: what to hash, see `csr.order_csr`.
        now: seconds since 1970; None for the clock.

    Raises:
        DigicertError: an argument is not what it should be.
    """
    hashed = hashed_csr(csr, csr_format)
    key = _key(auth_key)
    if timestamp is None:
        moment = (time.time() if now is None else now) - _seconds_back(backdate)
        return _token(time.strftime("%Y%m%d%H%M%S", time.gmtime(moment)), hashed, key)
    digits = text_argument("timestamp", timestamp)
    if _parsed(digits) is None:
        raise DigicertError("timestamp must be a date with 14 digits, YYYYMMDDhhmmss in UTC.")
    return _token(digits, hashed, key)


def read_token(text: object) -> TokenInfo:
    """Return what the first request token in a text says about itself; the HMAC is not checked.

    Args:
        text: string, a token or a text that contains one.

    Raises:
        DigicertError: `text` is not a string, or contains no token.
    """
    for found in _TOKEN.finditer(text_argument("The input", text)):
        info = TokenInfo.of(found.group(1)[:_DATE_LENGTH])
        if info is not None:
            return info
    raise DigicertError(
        "The input does not contain a request token. A token has 64 characters: 14 digits of a date, then 50 "
        "characters from 0-9 and a-z."
    )


def has_valid_token(
    text: object,
    csr: object,
    auth_key: object,
    *,
    csr_format: object = "base64",
    now: float | None = None,
    method: object = None,
) -> bool:
    """Return whether a text contains a request token that DigiCert's validator accepts.

    Like the validator, it looks at every 64 characters that begin with the current or the previous year.

    Args:
        text: string, for example the value of a TXT record or the body of a file.
        csr: string, a CSR as PEM text or as the base64 body of one.
        auth_key: string, the AuthKey.
        csr_format: what was hashed, see `csr.order_csr`.
        now: seconds since 1970; None for the clock.
        method: `http` for the body of a file, of which DigiCert reads 5,000 characters; `dns` for the value of one TXT
            record, in which no text that begins with one of these years may precede the token; None for any text.

    Raises:
        DigicertError: an argument is not what it should be.
    """
    body = text_argument("The input", text)
    hashed = hashed_csr(csr, csr_format)
    key = _key(auth_key)
    if method not in (None, "http", "dns"):
        raise DigicertError("method must be http or dns.")
    moment = time.time() if now is None else now
    year = time.gmtime(moment).tm_year
    found = re.finditer(f"(?={year}|{year - 1})", body[:_READ_OF_A_FILE] if method == "http" else body)
    begins = [match.start() for match in found]
    return any(
        _is_valid(body[begin : begin + TOKEN_LENGTH], hashed, key, moment)
        for begin in (begins[:1] if method == "dns" else begins)
        if method != "http" or begin + TOKEN_LENGTH <= _READ_OF_A_FILE
    )


def find_token(text: str, csr: object, auth_key: object, *, csr_format: object = "base64") -> TokenInfo | None:
    """Return what the first token for a CSR and AuthKey in a text says about itself, valid now or not; None for none.

    Raises:
        DigicertError: an argument is not what it should be.
    """
    hashed, key = hashed_csr(csr, csr_format), _key(auth_key)
    for match in _TOKEN.finditer(text):
        info = TokenInfo.of(match.group(1)[:_DATE_LENGTH])
        if info is not None and hmac.compare_digest(match.group(1), _token(info.timestamp, hashed, key)):
            return info
    return None


def _is_valid(candidate: str, hashed: bytes, key: bytes, moment: float) -> bool:
    info = TokenInfo.of(candidate[:_DATE_LENGTH])
    if info is None or not info.valid(moment):
        return False
    # Bytes, because compare_digest() accepts only ASCII strings.
    return hmac.compare_digest(candidate.encode("utf-8", "replace"), _token(info.timestamp, hashed, key).encode())


def base36(digest: bytes) -> str:
    """Return a digest of 32 bytes, read as one unsigned big-endian integer, as 50 digits 0-9a-z."""
    number = int.from_bytes(digest, "big")
    digits = []
    while number:
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits)).rjust(50, "0")


def _parsed(timestamp: str) -> datetime | None:
    """Return the date from 14 digits, or None; strptime() takes three times as long and allows spaces."""
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
    # The expiry may be after the end of Python's calendar.
    return None if created.year == MAXYEAR else created


def _token(timestamp: str, hashed: bytes, key: bytes) -> str:
    return timestamp + base36(hmac.digest(key, timestamp.encode() + hashed, "sha256"))


def _key(auth_key: object) -> bytes:
    """Return an AuthKey as bytes; raises DigicertError."""
    key = text_argument("auth_key", auth_key)
    if key.isprintable() and key and key[0] != " " != key[-1]:
        return key.encode()
    if not key.strip():
        raise DigicertError("auth_key is empty.")
    if "PRIVATE KEY" in key:
        raise DigicertError("auth_key is a private key. Pass the AuthKey of the CertCentral account instead.")
    raise DigicertError(
        "auth_key contains a space, a line break, or another character that AuthKeys do not have. Remove spaces "
        "and line breaks with the filter trim."
    )


def _seconds_back(backdate: object) -> int:
    """Return `backdate`, checked; raises DigicertError."""
    if not isinstance(backdate, int) or isinstance(backdate, bool):
        str(backdate)  # see text_argument()
        raise DigicertError("backdate must be a whole number of seconds. Convert it with the filter int.")
    if not 0 <= backdate < _VALID_SECONDS:
        raise DigicertError("backdate must be at least 0 seconds, and less than the 30 days that a token is valid.")
    return backdate
