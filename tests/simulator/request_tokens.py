# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request tokens as the validator checks them (section 3 of the API page)."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

TOKEN_LENGTH = 64
TIMESTAMP_LENGTH = 14
LIFETIME = timedelta(days=30)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class TokenCheck:
    """What the validator found: the valid ``token`` or None, and why each other candidate was refused.

    ``problems`` are "too short", "no timestamp", "in the future", "expired" and "wrong hash"; empty without candidates.
    """

    token: str | None
    problems: list[str]


def request_token(auth_key: str, csr: str, timestamp: str) -> str:
    """Return the token of 64 characters for ``csr``, exactly the string sent as ``certificate.csr``.

    Args:
        auth_key: the AuthKey.
        csr: any text; the base64 body and the PEM text of one CSR have different tokens.
        timestamp: UTC, ``YYYYMMDDhhmmss``.
    """
    number = int.from_bytes(hmac.digest(auth_key.encode(), (timestamp + csr).encode(), "sha256"), "big")
    base36 = ""
    while number:
        number, digit = divmod(number, 36)
        base36 = _DIGITS[digit] + base36
    return timestamp + base36.rjust(TOKEN_LENGTH - TIMESTAMP_LENGTH, "0")


def check_request_token(
    text: str, csr: str, auth_key: str, now: datetime | None = None, *, alone: bool = False
) -> TokenCheck:
    """Look in ``text`` for a token that is valid now.

    Every occurrence of the current or previous year is a candidate; what surrounds it does not matter.

    Args:
        text: the value of a TXT record or the body of a file.
        csr: as in ``request_token``.
        auth_key: as in ``request_token``.
        now: aware datetime; by default the time of the call.
        alone: whether a refused candidate before the token is an error, as it is in a TXT record.
    """
    now = now or datetime.now(timezone.utc)
    problems: list[str] = []
    for found in re.finditer(f"{now.year:04}|{now.year - 1:04}", text):
        candidate = text[found.start() : found.start() + TOKEN_LENGTH]
        problem = _problem(candidate, csr, auth_key, now)
        if problem is None:
            return TokenCheck(candidate, problems)
        problems.append(problem)
        if alone:
            break
    return TokenCheck(None, problems)


def _problem(candidate: str, csr: str, auth_key: str, now: datetime) -> str | None:
    if len(candidate) < TOKEN_LENGTH:
        return "too short"
    timestamp = candidate[:TIMESTAMP_LENGTH]
    try:
        created = datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return "no timestamp"
    if created > now:
        return "in the future"
    if created + LIFETIME < now:
        return "expired"
    expected = request_token(auth_key, csr, timestamp)
    return None if hmac.compare_digest(expected.encode(), candidate.encode()) else "wrong hash"
