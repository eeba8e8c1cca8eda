# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dv_certificate_plan
short_description: (internal) Decide what the role dv_certificate does on a host
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - The role P(community.digicert.dv_certificate#role) uses this filter after it has read what is installed on the host.
    You usually do not need it yourself.
  - The input comes from a host, which the role does not trust. For any input, the result contains only booleans,
    numbers, and short texts in a known form.
options:
  _input:
    description:
      - What M(community.digicert.digicert_certificate_info) returned.
    type: dict
    required: true
  options:
    description:
      - What P(community.digicert.dv_certificate_options#filter) returned.
    type: dict
    required: true
  issued:
    description:
      - What M(community.digicert.digicert_certificate) returned, if it ran.
    type: dict
    default: {}
seealso:
  - ref: ansible_collections.community.digicert.docsite.dv_certificate_guide
    description: How to get certificates with the role.
"""

EXAMPLES = r"""
- name: Show why a role run has something to do
  ansible.builtin.debug:
    msg: "{{ look | community.digicert.dv_certificate_plan(options) }}"
"""

RETURN = r"""
_value:
  description:
    - The booleans C(has_work), C(is_due), C(is_under_way), C(has_drifted), C(key_has_drifted), C(has_bundles),
      C(has_certificate), C(has_csr), C(is_complete), C(is_staged), C(wants_new_csr), and C(can_activate), and
      C(result), what the role returns.
  type: dict
"""

import re
import typing as t

from ansible.errors import AnsibleFilterError

_ACTION = "(?:none|ordered|renewed|reissued|continued)"
_TIME = "[0-9T:.+Z-]{10,40}"
_NUMBER = "[0-9A-Fa-f]{1,64}"
_LARGEST_ID = 2**63


def dv_certificate_plan(look: object, options: object, issued: object = ()) -> dict[str, t.Any]:
    """Return what to do on a host, and the role's result; raises AnsibleFilterError for other types than dictionaries.

    Args:
        look: the host's data about its certificate, in any form.
        options: the role's options, copied and checked.
        issued: the result of an order, if there was one.
    """
    if not isinstance(look, t.Mapping) or not isinstance(options, t.Mapping):
        raise AnsibleFilterError("dv_certificate_plan needs what was found on the host, and the options of the role.")
    journal, staged = _mapping(look.get("journal")), _mapping(look.get("staged"))
    drift = [_mapping(each) for each in _list(look.get("drift"))]
    has_certificate, has_csr = look.get("certificate") is not None, look.get("csr") is not None
    is_under_way = journal.get("state") in ("sent", "accepted")
    is_due = bool(options.get("force") or look.get("due") is True or is_under_way)
    is_renewed = is_due and has_certificate
    # If the key in use has a certificate, a new private key is created beside it.
    wants_new_key = options.get("new_private_key") and not is_under_way
    is_staged = is_renewed and bool(_list(staged.get("files")) or wants_new_key)
    has_bundles = options.get("combined_path") is not None or options.get("pkcs12_path") is not None
    return {
        "has_work": bool(is_due or drift or has_bundles),
        "is_due": is_due,
        "is_under_way": is_under_way,
        "has_drifted": bool(drift),
        "key_has_drifted": any(each.get("is_private_key") is True for each in drift),
        "has_bundles": has_bundles,
        "has_certificate": has_certificate,
        "has_csr": has_csr,
        "is_complete": look.get("is_complete") is True,
        "is_staged": is_staged,
        # DigiCert requires a new CSR for a renewal; the CSR of a pending request is kept.
        "wants_new_csr": is_renewed and not is_staged and not is_under_way,
        "can_activate": staged.get("is_ready") is True and not is_under_way,
        "result": _result(look, journal, _mapping(issued)),
    }


def _result(
    look: t.Mapping[str, t.Any], journal: t.Mapping[str, t.Any], issued: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return the role's result: from the issued certificate, if there is one, otherwise from the installed one."""
    last, order = (issued, issued) if "action" in issued else (look, journal)
    return {
        "changed": issued.get("changed") is True,
        "action": _text(issued.get("action"), _ACTION) or "none",
        "order_id": _id(order.get("order_id")),
        "order_valid_till": _text(order.get("order_valid_till"), _TIME),
        "serial_number": _text(last.get("serial_number"), _NUMBER),
        "not_after": _text(last.get("not_after"), _TIME),
    }


def _mapping(value: object) -> t.Mapping[str, t.Any]:
    return value if isinstance(value, t.Mapping) else {}


def _list(value: object) -> t.Sequence[t.Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _text(value: object, form: str) -> str | None:
    # Created again, because Ansible's own text types have tags.
    return f"{value}" if isinstance(value, str) and re.fullmatch(form, value) else None


def _id(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return int(value) if 0 < value < _LARGEST_ID else None


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"dv_certificate_plan": dv_certificate_plan}
