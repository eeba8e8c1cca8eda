# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How long certificates are valid, and how much validity must be left: the table and the rule of `remaining_days`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

# The longest public TLS certificate that DigiCert issues, from each day on (API page, section 4).
LONGEST_CERTIFICATE = (
    (datetime(2029, 3, 15, tzinfo=timezone.utc), 46),
    (datetime(2027, 3, 15, tzinfo=timezone.utc), 99),
    (datetime(2026, 2, 24, tzinfo=timezone.utc), 199),
    (datetime.min.replace(tzinfo=timezone.utc), 397),
)
USUAL_REMAINING = timedelta(days=30)
# More days than any certificate is valid; Python's own limit is not much higher than what a user may write.
MOST_DAYS = 100000


def longest_certificate(now: datetime, cert_validity_days: int | None = None) -> timedelta:
    """Return how long a certificate is valid that is issued at `now` (UTC), if its order does not end earlier."""
    days = next(days for since, days in LONGEST_CERTIFICATE if now >= since)
    return timedelta(days=days if cert_validity_days is None else min(days, cert_validity_days))


def renewal_threshold(life: timedelta, remaining_days: int | None) -> timedelta:
    """Return how much validity a certificate must have left.

    Args:
        life: from the beginning to the end of its validity.
        remaining_days: what the user asks for; None for 30 days or a third of its life, whichever is less. A value that
            no certificate with this life can reach is lowered, or every run would get another certificate.
    """
    if remaining_days is None:
        return min(USUAL_REMAINING, life / 3)
    wanted = timedelta(days=min(remaining_days, MOST_DAYS))
    return wanted if wanted < life else life / 3


def in_days(duration: timedelta) -> float:
    """Return a duration in days, with one decimal."""
    return round(duration / timedelta(days=1), 1)
