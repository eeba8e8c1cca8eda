#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_certificate_revoke
short_description: Revoke certificates in DigiCert CertCentral
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Revokes one certificate, or every certificate of an order. A revocation cannot be undone.
  - Unless the API key belongs to an administrator and O(skip_approval=true), the revocation is a request that an
    administrator approves in CertCentral. RV(revocation) says which of the two happened.
  - The order stays valid. To replace a certificate whose private key leaked, reissue it with a new key first, then
    revoke the old certificate. The playbook C(community.digicert.certificate_rekey) does both.
  - If the response to the revocation is lost, the module reads the order until it knows what happened.
extends_documentation_fragment:
  - community.digicert._options
  - community.digicert._attributes
  - community.digicert._attributes.api_module
attributes:
  check_mode:
    support: full
    details:
      - Reads the order and predicts the result, but not whether an administrator has to approve the revocation.
  diff_mode:
    support: full
    details:
      - Shows the state of the certificate.
  idempotent:
    support: full
options:
  path:
    description:
      - File with the certificate to revoke, on the host that runs the module. The module revokes the first certificate
        in it.
    type: path
  serial_number:
    description:
      - Hexadecimal serial number of the certificate to revoke.
    type: str
  certificate_id:
    description:
      - Id of the certificate to revoke.
    type: int
  order_id:
    description:
      - Id of an order. Revokes all certificates of this order, and requires O(confirm=true).
    type: int
  confirm:
    description:
      - Whether you really want to revoke every certificate of O(order_id).
    type: bool
    default: false
  revocation_reason:
    description:
      - Why the certificate is revoked (RFC 5280, section 5.3.1).
    type: str
    choices: [unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation]
    default: unspecified
  comments:
    description:
      - Comment for the administrator who approves the revocation.
    type: str
    default: ""
  skip_approval:
    description:
      - Whether to revoke at once. This needs the API key of an administrator.
    type: bool
    default: false
requirements:
  - cryptography >= 3.3 (for O(path))
notes:
  - A certificate cannot be revoked while a reissue of its order is pending. Finish the reissue, or cancel it with
    M(community.digicert.digicert_order_cancel).
  - CertCentral does not say to which certificate of an order a pending revocation belongs. If an order has several
    certificates and any pending revocation, the module changes nothing and adds a warning.
  - CertCentral lists neither the first certificate of an order that was reissued nor the requests for its revocation.
    The module asks for its revocation again in each run until CertCentral says that it is revoked.
seealso:
  - module: community.digicert.digicert_order_info
  - module: community.digicert.digicert_order_cancel
  - ref: ansible_collections.community.digicert.docsite.dv_certificate_guide
    description: How to replace a certificate whose private key leaked.
"""

EXAMPLES = r"""
- name: Revoke the certificate in a file because its private key leaked
  community.digicert.digicert_certificate_revoke:
    api_key: "{{ digicert_api_key }}"
    path: /etc/ssl/www.example.com.old.pem
    revocation_reason: keyCompromise
    skip_approval: true

- name: Ask for the revocation of every certificate of an order
  community.digicert.digicert_certificate_revoke:
    api_key: "{{ digicert_api_key }}"
    order_id: 123456789
    confirm: true
    revocation_reason: cessationOfOperation
    comments: The shop has closed.
"""

RETURN = r"""
revocation:
  description:
    - V(revoked) if the certificate is revoked, V(approval_pending) if an administrator still has to approve it.
    - V(none) in check mode when the module would revoke the certificate.
  returned: success
  type: str
  sample: approval_pending
request_id:
  description: Id of the request that an administrator has to approve. V(none) when it is not known.
  returned: success
  type: int
  sample: 987654321
order_id:
  description: Id of the order. V(none) when it is not known.
  returned: success
  type: int
  sample: 123456789
certificate_id:
  description: Id of the certificate. V(none) for a whole order, and when it is not known.
  returned: success
  type: int
  sample: 456789123
serial_number:
  description: Serial number of the certificate. V(none) for a whole order, and when it is not known.
  returned: success
  type: str
  sample: 0A1B2C3D4E5F60718293A4B5C6D7E8F9
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

import re
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import (
    connection_argument_spec,
    new_module,
    run,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import (
    REVOCATION_REASONS,
    Revocation,
    revoke_certificate,
    revoke_order,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.confirmation import confirm_change
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    RefusedError,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import Order, get_order
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import SERIAL_NUMBER
from ansible_collections.community.digicert.plugins.module_utils._certcentral.search import (
    FoundCertificate,
    find_by_certificate_id,
    find_by_serial_number,
)
from ansible_collections.community.digicert.plugins.module_utils._files.reading import read_regular
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import read_certificates

REVOKED = "revoked"
APPROVAL_PENDING = "approval_pending"


class State(t.NamedTuple):
    """The state of a revocation: `revocation` is one of the two constants above, or None if there is none."""

    revocation: str | None
    request_id: int | None = None
    changed: bool = True


class RevocationWork:
    """The revocation of one certificate or order."""

    def __init__(self, module: AnsibleModule) -> None:
        """Keep the module; nothing is read or sent yet."""
        self.module = module
        self.params = module.params
        self.serial_number: str | None = None
        self.common_name: str | None = None

    def result(self, client: Client) -> dict[str, t.Any]:
        """Revoke, and return the module's result; raises DigicertError."""
        self._check_options()
        found = self._find(client)
        # CertCentral does not list the first certificate of a reissued order, but can revoke it.
        before = after = State(None) if found is None else self._state(found)
        if before.revocation is None:
            if found is not None:
                self._refuse_while_reissuing(found.order)
            if not self.module.check_mode:
                after = self._revoke(client, found)
                before = before if after.changed else after
        elif found is not None and before.revocation == APPROVAL_PENDING and self._is_ambiguous(found):
            self.module.warn(
                f"Order {found.order.order_id} has several certificates and a pending revocation "
                f"(request {before.request_id}). CertCentral does not say which certificate it is for; check it there."
            )
        return self._describe(found, before, after)

    def _check_options(self) -> None:
        for name in ("certificate_id", "order_id"):
            if self.params[name] is not None and self.params[name] < 1:
                raise DigicertError(f"{name} must be a positive number, but is {self.params[name]}.")
        if self.params["order_id"] is not None and not self.params["confirm"]:
            raise DigicertError(
                "order_id revokes every certificate of the order, which cannot be undone. Set confirm=true to do "
                "that, or set serial_number to revoke one certificate."
            )
        number = self.params["serial_number"]
        if number is not None and not re.fullmatch(SERIAL_NUMBER, number):
            raise DigicertError("serial_number must be a hexadecimal number, such as 0A1B2C3D.")

    def _find(self, client: Client) -> FoundCertificate | None:
        """Return the order, and the reissue unless this is the primary certificate; raises DigicertError."""
        if self.params["order_id"] is not None:
            return FoundCertificate(get_order(client, self.params["order_id"]), None)
        if self.params["certificate_id"] is not None:
            return find_by_certificate_id(client, self.params["certificate_id"])
        self.serial_number = self.params["serial_number"]
        if self.params["path"] is not None:
            self._read_file(self.params["path"])
        self.serial_number = str(self.serial_number).replace(":", "").replace(" ", "").upper()
        return find_by_serial_number(client, self.serial_number, self.common_name)

    def _read_file(self, path: str) -> None:
        content = read_regular(path)
        certificates = read_certificates((content or b"").decode("utf-8", "replace"))
        if not certificates:
            raise DigicertError(f"{path} does not contain a certificate. Use the path of a certificate in PEM form.")
        self.serial_number = certificates[0].serial_number
        # The order's common name is one of its names, and usually the first.
        self.common_name = certificates[0].names[0] if len(certificates[0].names) == 1 else None

    def _state(self, found: FoundCertificate) -> State:
        order, reissue = found
        status = order.certificate_status if reissue is None else reissue.status
        if order.status == REVOKED or (status == REVOKED and self.params["order_id"] is None):
            return State(REVOKED)
        pending = [row for row in order.requests if row.type == "revoke" and row.status in ("pending", "submitted")]
        return State(APPROVAL_PENDING, pending[-1].request_id) if pending else State(None)

    def _is_ambiguous(self, found: FoundCertificate) -> bool:
        return self.params["order_id"] is None and found.order.reissues_count != 0

    def _refuse_while_reissuing(self, order: Order) -> None:
        if order.status == "reissue_pending":
            raise DigicertError(
                f"Order {order.order_id} has a pending reissue, so CertCentral cannot revoke its certificates. "
                "Wait until the reissue is issued, or cancel it with digicert_order_cancel."
            )

    def _revoke(self, client: Client, found: FoundCertificate | None) -> State:
        how = {
            "reason": self.params["revocation_reason"],
            "comments": self.params["comments"],
            "skip_approval": self.params["skip_approval"],
        }
        try:
            if self.params["order_id"] is not None:
                answer = revoke_order(client, self.params["order_id"], **how)
            else:
                answer = revoke_certificate(client, self._certificate(found), **how)
        except LostResponseError as error:
            return self._confirm(client, error)
        except RefusedError as error:
            if "already" not in str(error.code):
                raise
            # After a try whose response was lost, this run revoked it.
            return State(REVOKED if REVOKED in str(error.code) else APPROVAL_PENDING, changed=error.after_loss)
        return _state_after(answer)

    def _confirm(self, client: Client, error: LostResponseError) -> State:
        """Return the state after a revocation whose response was lost; raises LostResponseError if it is unknown."""
        states: list[State] = []

        def is_done() -> bool:
            found = self._find(client)
            states.append(State(None) if found is None else self._state(found))
            return states[-1].revocation is not None

        confirm_change(error, is_done, "the revocation")
        return states[-1]

    def _certificate(self, found: FoundCertificate | None) -> int | str:
        """Return what names the certificate to the API; raises DigicertError."""
        if self.serial_number is None:
            return int(self.params["certificate_id"])
        row = None if found is None else found.reissue or found.order
        # An id without its serial number may be that of another certificate.
        if row is not None and row.serial_number is not None and row.certificate_id is not None:
            return row.certificate_id
        if re.fullmatch("[0-9]{1,19}", self.serial_number):
            raise DigicertError(
                f"The account shows no certificate with the serial number {self.serial_number}, which could also "
                "be the id of another certificate, so nothing was revoked. Set certificate_id instead."
            )
        return self.serial_number

    def _certificate_id(self, found: FoundCertificate | None) -> int | None:
        if found is None:
            return None
        return found.order.certificate_id if found.reissue is None else found.reissue.certificate_id

    def _describe(self, found: FoundCertificate | None, before: State, after: State) -> dict[str, t.Any]:
        whole = self.params["order_id"] is not None
        number = self.serial_number
        if found is not None and not whole:
            number = (found.order if found.reissue is None else found.reissue).serial_number
        changed = before.revocation is None
        expected = after.revocation or f"{REVOKED} or {APPROVAL_PENDING}"
        return {
            "changed": changed,
            "revocation": after.revocation,
            "request_id": after.request_id,
            "order_id": found and found.order.order_id,
            "certificate_id": self.params["certificate_id"] or (None if whole else self._certificate_id(found)),
            "serial_number": number,
            "diff": {
                "before": {"revocation": before.revocation or "none"},
                "after": {"revocation": expected if changed else before.revocation},
            },
        }


def _state_after(answer: Revocation) -> State:
    # 204 without a body means that it is done; 201 describes the request that waits for approval.
    if answer.status in (None, "approved", "completed", REVOKED) and (answer.request_id is None or answer.status):
        return State(REVOKED, answer.request_id)
    return State(APPROVAL_PENDING, answer.request_id)


def main() -> None:
    """Run the module."""
    which = ("path", "serial_number", "certificate_id", "order_id")
    module = new_module(
        argument_spec={
            **connection_argument_spec(),
            "path": {"type": "path"},
            "serial_number": {"type": "str"},
            "certificate_id": {"type": "int"},
            "order_id": {"type": "int"},
            "confirm": {"type": "bool", "default": False},
            "revocation_reason": {"type": "str", "choices": list(REVOCATION_REASONS), "default": "unspecified"},
            "comments": {"type": "str", "default": ""},
            "skip_approval": {"type": "bool", "default": False},
        },
        mutually_exclusive=[which],
        required_one_of=[which],
        supports_check_mode=True,
    )
    work = RevocationWork(module)
    run(module, work.result)


if __name__ == "__main__":
    main()
