# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Reading values of the API's responses in any form.

Each `as_…` function returns a value of the right type, or None if the response does not say. Missing or odd values
never count as a statement.
"""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import UnusableResponseError

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client, Response

LONGEST_WORD = 200  # characters; states, product ids, and random values are much shorter
LARGEST_ID = 2**63 - 1
# A date, with or without a time, a fraction of a second, and a zone; the separators of the date may be missing.
MOMENT = (
    "([0-9]{4})-?([0-9]{2})-?([0-9]{2})"
    "(?:[T ]([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
    "(?:Z|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})?)?"
)
SERIAL_NUMBER = "[0: ]*[1-9A-Fa-f][0-9A-Fa-f: ]{0,150}"  # not 0, which counts as not set
# Lists and objects in one body. A page of orders has some thousands; millions of empty ones would fill the memory.
MAX_CONTAINERS = 100_000


def decode_json(content: bytes) -> t.Any:
    """Return the value of a JSON text of limited size; raises ValueError if it is not JSON or needs much memory."""
    if content.count(b"[") + content.count(b"{") > MAX_CONTAINERS:
        raise ValueError("too many lists and objects")
    try:
        return json.loads(content, parse_int=_parse_int, parse_constant=_refuse_constant)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def _parse_int(digits: str) -> int:
    if len(digits) > 40:  # parsing takes quadratic time, and the API's numbers are much shorter
        raise ValueError("a number with too many digits")
    return int(digits)


def _refuse_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse_datetime(value: t.Any) -> datetime | None:
    """Return the moment of an ISO 8601 text, UTC if it has no zone, or None if the text is something else."""
    parts = re.fullmatch(MOMENT, value) if isinstance(value, str) else None
    if parts is None:
        return None
    # What fromisoformat() knows depends on the version of Python: "Z", "+0000", and tenths of a second since 3.11 only.
    year, month, day, hour, minute, second = (int(number or 0) for number in parts.groups()[:6])
    microsecond = int((parts["fraction"] or "0")[:6].ljust(6, "0"))
    zone = timezone.utc
    try:
        if parts["sign"]:
            offset = timedelta(hours=int(parts["hours"]), minutes=int(parts["minutes"] or 0))
            zone = timezone(-offset if parts["sign"] == "-" else offset)
        return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def parse_date_end(value: t.Any) -> datetime | None:
    """Return the moment that ends a validity: a date without time means the end of that day, UTC."""
    moment = parse_datetime(value)
    if moment is not None and re.fullmatch("[0-9]{4}-?[0-9]{2}-?[0-9]{2}", value):
        return moment + timedelta(hours=23, minutes=59, seconds=59)
    return moment


def parse_http_date(value: str | None) -> datetime | None:
    """Return the moment of an HTTP date (RFC 9110, 5.6.7), or None if the text is something else or absurd."""
    from email.utils import parsedate_to_datetime  # imported here, as in the client, because most tasks send nothing

    try:
        moment = parsedate_to_datetime(value or "")
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        moment = moment.astimezone(timezone.utc)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    # Outside of these years, adding a duration could overflow.
    return moment if 1971 <= moment.year <= 9000 else None


def unexpected_response_error(client: Client, purpose: str, response: Response, what: str) -> UnusableResponseError:
    """Return the error for a 2xx response that does not say what the API documents.

    Args:
        client: where the response came from.
        purpose: what the call was for, as in "Cannot <purpose>".
        response: the response; its content is not shown.
        what: what it contains, as in "the response contains <what>".
    """
    return UnusableResponseError(
        f"{client.where(purpose)}the response (HTTP {response.status}) contains {what}. Check api_url, and "
        "whether a proxy or gateway answers instead of CertCentral.",
        http_status=response.status,
        after_loss=response.after_loss,
    )


def expect_no_content(client: Client, purpose: str, response: Response) -> None:
    """Raise UnusableResponseError if a response that should be empty has content.

    The response of a gateway must not count as one of the service; the caller then checks whether the request was
    carried out. Arguments as of `unexpected_response_error`.
    """
    if response.payload is not None:
        raise unexpected_response_error(client, purpose, response, "unexpected content")


def as_dict(value: t.Any) -> dict[str, t.Any]:
    """Return an object, empty when the value is none."""
    return value if isinstance(value, dict) else {}


def as_list(value: t.Any) -> list[t.Any]:
    """Return a list, empty when the value is none."""
    return value if isinstance(value, list) else []


def as_id(value: t.Any) -> int | None:
    """Return a positive number; some clients have seen ids as strings of digits."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_ID else None


def as_count(value: t.Any) -> int | None:
    """Return a number of at least 0."""
    return 0 if value in (0, "0") and value is not False else as_id(value)


def as_text(value: t.Any) -> str | None:
    """Return a nonempty text of any length."""
    return value if isinstance(value, str) and value else None


def as_word(value: t.Any) -> str | None:
    """Return a short printable text that is safe in messages and results."""
    return value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_WORD else None


def as_flag(value: t.Any) -> bool | None:
    """Return a truth value, which may also come as 0, 1 or as one of their texts."""
    if isinstance(value, str):
        value = value.lower()
    if value in (True, "1", "true", "yes"):
        return True
    return False if value in (False, "0", "false", "no") else None


def same_serial_number(one: str, other: str) -> bool:
    """Return whether two hexadecimal serial numbers are the same, in any spelling."""

    def plain(text: str) -> str:
        return re.sub("[: ]", "", text).lstrip("0").upper()

    return plain(one) == plain(other)
