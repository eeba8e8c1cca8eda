# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a run is going to do for one certificate."""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance.context import ORDERED, REISSUED, RENEWED
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import REISSUE
from ansible_collections.community.digicert.plugins.module_utils._issuance.reservation import seconds_left, use_once

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import Order
    from ansible_collections.community.digicert.plugins.module_utils._issuance.context import CertificateContext
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Submission


class Plan(t.NamedTuple):
    """What to do.

    Attributes:
        action: as in the module's result.
        order: the order to continue or to reissue.
        submission: what to send, None for nothing.
        body: of the request.
    """

    action: str
    order: Order | None = None
    submission: Submission | None = None
    body: dict[str, t.Any] | None = None


def reserved_plan(context: CertificateContext, submission: Submission, run_id: str, notes: str) -> Plan | None:
    """Return the plan to send what a run reserved on another machine; None if it did not, or has already sent it.

    If Ansible starts the module again, the module searches for what the first process sent. Because of that, the
    reservation stays in the journal whatever happens: this process cannot know what an earlier one did.

    Args:
        context: the certificate.
        submission: from the journal of the other machine.
        run_id: of this run.
        notes: the directory that remembers which reservations this machine has used.

    Raises:
        DigicertError: it must not be sent.
    """
    if submission.run_id != run_id or submission.accepted:
        return None
    plan = _plan_to_send(context, submission)
    if not use_once(run_id, notes):
        return None
    if seconds_left(run_id) <= 0:
        raise DigicertError(
            "This run sent nothing, because its reservation on the host is older than eight minutes, or the clock was "
            "changed. Run the task again, for fewer hosts at once."
        )
    return plan


def _plan_to_send(context: CertificateContext, submission: Submission) -> Plan:
    request = context.request
    same = set(submission.names) == set(request.names) and submission.product == request.product
    if submission.csr_sha256 != request.csr.fingerprint or not same:
        raise DigicertError(
            "The reservation on the host is for another CSR, other names, or another product, so this run sent "
            "nothing. Run the task again."
        )
    if submission.kind == REISSUE:
        return Plan(REISSUED, None, submission, request.reissue_body())
    link = submission.renewal_of_order_id
    body = request.order_body(t.cast(str, submission.alternative_order_id), link)
    return Plan(ORDERED if link is None else RENEWED, None, submission, body)
