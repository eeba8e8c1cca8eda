# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The ten minutes after a lost response, in which an order or a reissue is not sent again.

Within a run, the monotonic clock counts them. Across runs, the service's clock must say that they have passed, and the
machine's clock must not say otherwise, so one wrong clock alone does not end them.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import local_time
from ansible_collections.community.digicert.plugins.module_utils._issuance.reservation import LONGEST_RESERVATION

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Submission

QUIET = 600.0  # seconds after a lost response in which nothing is sent again
LEAST_LOOK = 90.0  # seconds that a run searches for what was lost, because reads lag behind by up to a minute


def note(submission: Submission, client: Client) -> Submission:
    """Return a submission with the first time after the loss, by the clocks of the service and of this machine."""
    there, here = client.service_time, local_time()
    if there is not None and (submission.lost_at is None or submission.lost_at > there):
        submission = submission._replace(lost_at=there)
    if submission.noted_at is None or submission.noted_at > here:
        submission = submission._replace(noted_at=here)
    return submission


def whole(submission: Submission) -> float:
    """Return the seconds in which a submission is not sent again after its response was lost.

    The ten minutes begin only when another run can no longer send what it reserved.
    """
    is_reserved = submission.run_id is not None and not submission.accepted
    return QUIET + (LONGEST_RESERVATION if is_reserved else 0.0)


def left(submission: Submission, client: Client, quiet: float | None = None) -> float:
    """Return the seconds until what was lost or refused may be sent again.

    Args:
        submission: from the journal.
        client: knows the service's time; until it does, no time has passed.
        quiet: seconds in which it is not sent again, by default the whole time.
    """
    quiet = whole(submission) if quiet is None else quiet
    there, since = client.service_time, submission.lost_at
    passed = 0.0 if there is None or since is None else (there - since).total_seconds()
    if submission.noted_at is not None:
        passed = min(passed, (local_time() - submission.noted_at).total_seconds())
    return min(quiet, max(0.0, quiet - passed))
