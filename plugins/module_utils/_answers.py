# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Reading the API's answers, as far as AuthKeys and orders do it alike."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._client import Answer, Client


def parsed_datetime(value: t.Any) -> datetime | None:
    """Return the moment that an ISO 8601 text means, UTC when it names no zone, or None when it is no such text."""
    try:
        # Before Python 3.11, fromisoformat() does not know "Z".
        moment = datetime.fromisoformat(value[:-1] + "+00:00" if value.endswith("Z") else value)
    except (AttributeError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def odd_answer(client: Client, purpose: str, answer: Answer, what: str) -> DigicertError:
    """Return the error for a 2xx answer that does not say what the API page promises.

    Args:
        client: where the answer came from.
        purpose: what the call was for, as in "Cannot <purpose>".
        answer: the answer; its content is not shown.
        what: what it holds, or lacks, as in "the answer holds <what>".
    """
    return DigicertError(
        f"{client.where(purpose)}the answer (HTTP {answer.status}) holds {what}. Check api_url, and whether a proxy or "
        "gateway answers in place of CertCentral.",
        status=answer.status,
        lost=True,
    )
