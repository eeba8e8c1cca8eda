# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Predict what a run would do, from files and journal only, without a request."""

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timezone

from ansible_collections.community.digicert.plugins.module_utils._issuance.context import (
    CONTINUED,
    NONE,
    ORDERED,
    REISSUED,
    RENEWED,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.decision import FIRST_LINK, LAST_LINK
from ansible_collections.community.digicert.plugins.module_utils._issuance.lifetime import (
    longest_certificate,
    renewal_threshold,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.lookup import END_TOLERANCE

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import InstalledCertificate
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import JournalEntry
    from ansible_collections.community.digicert.plugins.module_utils._issuance.request import (
        CertificateRequest,
        IssuanceOptions,
    )


def predict_action(
    request: CertificateRequest,
    options: IssuanceOptions,
    entry: JournalEntry,
    installed: InstalledCertificate,
    is_due: bool,
) -> str:
    """Return the predicted action, one of the constants of `context`."""
    if entry.submission is not None and (is_due or options.force):
        return CONTINUED
    if not is_due and not options.force:
        return NONE
    if options.order_id is not None or options.renewal == "reissue":
        return REISSUED
    # Without a journal, a run first searches for the order of the installed certificate.
    known = entry.order_id is not None or installed.leaf is not None
    end, now = entry.order_valid_till, datetime.fromtimestamp(time.time(), timezone.utc)
    longest = longest_certificate(now, request.cert_validity_days)
    least = now + renewal_threshold(longest, options.remaining_days)
    lasts = end is None or (now + longest > least and end > least + END_TOLERANCE)
    same_names = not entry.names or set(entry.names) == set(request.names)
    if known and lasts and same_names and options.renewal == "auto":
        return REISSUED
    is_linked = end is not None and LAST_LINK <= end - now <= FIRST_LINK
    return RENEWED if is_linked or request.renewal_of_order_id is not None else ORDERED
