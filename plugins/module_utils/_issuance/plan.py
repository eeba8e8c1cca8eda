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


def reserved_plan(context: CertificateContext, submission: Submission) -> Plan:
    """Return the plan to send a submission that this run planned and another machine has reserved.

    Raises:
        DigicertError: the task now asks for something else.
    """
    request = context.request
    same = set(submission.names) == set(request.names) and submission.product == request.product
    if submission.csr_sha256 != request.csr.fingerprint or not same:
        raise DigicertError(
            "The reservation on the host is for another CSR, other names, or another product, so nothing was sent. "
            "Run the task again."
        )
    if submission.kind == REISSUE:
        return Plan(REISSUED, None, submission, request.reissue_body())
    link = submission.renewal_of_order_id
    body = request.order_body(t.cast(str, submission.alternative_order_id), link)
    return Plan(ORDERED if link is None else RENEWED, None, submission, body)
