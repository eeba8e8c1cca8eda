#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_order_cancel
short_description: Cancel a pending order or a pending reissue in DigiCert CertCentral
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Cancels an order that is not issued yet, or the pending reissue of an issued order.
  - You cannot undo the cancellation of an order. If you cancel a reissue, the order stays issued as before.
  - If the response to the cancellation is lost, the module reads the order until it knows what happened.
extends_documentation_fragment:
  - community.digicert._options
  - community.digicert._attributes
  - community.digicert._attributes.api_module
attributes:
  check_mode:
    support: full
    details:
      - Reads the order and predicts the result.
  diff_mode:
    support: full
    details:
      - Shows the state of the order.
  idempotent:
    support: full
options:
  order_id:
    description:
      - Id of the order.
    type: int
    required: true
  target:
    description:
      - What to cancel.
      - With V(order), the module cancels an order that is not issued yet. An issued order cannot be canceled; see
        M(community.digicert.digicert_certificate_revoke).
      - With V(reissue), it cancels the pending reissue of an issued order, and changes nothing if there is none.
    type: str
    choices: [order, reissue]
    default: order
  note:
    description:
      - Reason for the cancellation. CertCentral requires one and shows it with the order.
    type: str
    default: Canceled by the Ansible module digicert_order_cancel.
seealso:
  - module: community.digicert.digicert_order_info
  - module: community.digicert.digicert_certificate_revoke
  - ref: ansible_collections.community.digicert.docsite.troubleshooting_guide
    description: What to do if an order stays pending, and about other problems.
"""

EXAMPLES = r"""
- name: Cancel an order that nobody needs anymore
  community.digicert.digicert_order_cancel:
    api_key: "{{ digicert_api_key }}"
    order_id: 123456789
    note: The shop moved to another name.

- name: Cancel a pending reissue that nobody finishes
  community.digicert.digicert_order_cancel:
    api_key: "{{ digicert_api_key }}"
    order_id: 123456789
    target: reissue
"""

RETURN = r"""
order_id:
  description: Id of the order.
  returned: success
  type: int
  sample: 123456789
order_status:
  description: State of the order afterwards, or the expected one in check mode.
  returned: success, and failure when it is known
  type: str
  sample: canceled
http_status:
  description: HTTP status of the response that made the task fail.
  returned: failure, when there was a response
  type: int
  sample: 403
code:
  description: Error code of the API.
  returned: failure, when the response had one
  type: str
  sample: access_denied|missing_permission
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import (
    connection_argument_spec,
    new_module,
    run,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import list_known_reissues
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.confirmation import confirm_change
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    RefusedError,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import Order, cancel, get_order

REISSUE_PENDING = "reissue_pending"
# States in which an order does not have a certificate and cannot get one.
ENDED = ("issued", "rejected", "denied", "revoked", "expired")
# For each target: the state that the cancellation leads to.
CANCELED = {"order": "canceled", "reissue": "issued"}


class Cancellation:
    """The cancellation of one order or reissue."""

    def __init__(self, module: AnsibleModule) -> None:
        """Keep the module; nothing is sent yet."""
        self.module = module
        self.order_id: int = module.params["order_id"]
        self.target: str = module.params["target"]
        self.order_status: str | None = None

    def result(self, client: Client) -> dict[str, t.Any]:
        """Cancel what is pending, and return the module's result; raises DigicertError."""
        if self.order_id < 1:
            raise DigicertError(f"order_id must be a positive number, but is {self.order_id}.")
        if not self.module.params["note"].strip():
            raise DigicertError("note is empty. CertCentral requires a reason for each cancellation.")
        order = get_order(client, self.order_id)
        before = self.order_status = REISSUE_PENDING if self._is_reissued(client, order) else order.status
        goal = CANCELED[self.target]
        if before != goal:
            self._refuse(before)
            if not self.module.check_mode:
                self._cancel(client, goal)
            self.order_status = goal
        diff = {"before": {"order_status": before}, "after": {"order_status": goal}}
        return {"changed": before != goal, "order_id": self.order_id, "order_status": goal, "diff": diff}

    def failure_details(self) -> dict[str, t.Any]:
        """Return the order's facts for a failed task."""
        return {"order_status": self.order_status}

    def _is_reissued(self, client: Client, order: Order) -> bool:
        """Return whether a reissue is pending, which CertCentral has several words for; raises DigicertError."""
        if order.status == REISSUE_PENDING or order.status in (*ENDED, *CANCELED.values()):
            return order.status == REISSUE_PENDING
        reissues = list_known_reissues(client, self.order_id)
        return any(row.status not in ("issued", "rejected", "revoked") for row in reissues)

    def _refuse(self, status: str) -> None:
        """Raise DigicertError if an order in this state has nothing to cancel."""
        if self.target == "reissue" and status != REISSUE_PENDING:
            raise DigicertError(
                f"Order {self.order_id} is {status} and does not have a pending reissue. Use target=order for a "
                "pending order."
            )
        if self.target == "order" and status == REISSUE_PENDING:
            raise DigicertError(
                f"Order {self.order_id} is issued and has a pending reissue. Use target=reissue to cancel the reissue."
            )
        if self.target == "order" and status in ENDED:
            raise DigicertError(
                f"Order {self.order_id} is {status} and cannot be canceled. To end its certificates, use "
                "digicert_certificate_revoke."
            )

    def _cancel(self, client: Client, goal: str) -> None:
        try:
            cancel(client, self.order_id, self.module.params["note"])
        except (LostResponseError, RefusedError) as error:
            # An earlier try whose response was lost may have canceled it, so the last one could not.
            if isinstance(error, RefusedError) and not error.after_loss:
                raise
            what = f"the cancellation of order {self.order_id}"
            confirm_change(error, lambda: get_order(client, self.order_id).status == goal, what)


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec={
            **connection_argument_spec(),
            "order_id": {"type": "int", "required": True},
            "target": {"type": "str", "choices": ["order", "reissue"], "default": "order"},
            "note": {"type": "str", "default": "Canceled by the Ansible module digicert_order_cancel."},
        },
        supports_check_mode=True,
    )
    work = Cancellation(module)
    run(module, work.result, work.failure_details)


if __name__ == "__main__":
    main()
