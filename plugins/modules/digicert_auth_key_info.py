#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_auth_key_info
short_description: List the AuthKeys of a DigiCert CertCentral account
version_added: 0.1.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Returns the active AuthKeys of a DigiCert CertCentral account, or one AuthKey, active or not.
  - An API key that is restricted to View Only is enough.
extends_documentation_fragment:
  - community.digicert._options
  - community.digicert._attributes
  - community.digicert._attributes.api_module
  - community.digicert._attributes.info_module
options:
  auth_key_id:
    description:
      - Id of the AuthKey to return, which can also be an inactive or expired one.
      - If not set, the module returns all active AuthKeys.
    type: str
notes:
  - The module returns secrets. Set C(no_log=true) on the task if anything stores its output.
seealso:
  - module: community.digicert.digicert_auth_key
  - ref: ansible_collections.community.digicert.docsite.auth_key_guide
    description: How to create, reuse, rotate, and watch AuthKeys.
"""

EXAMPLES = r"""
- name: List the active AuthKeys
  community.digicert.digicert_auth_key_info:
    api_key: "{{ digicert_api_key }}"
  delegate_to: localhost
  run_once: true
  no_log: true
  register: digicert

- name: Show which keys expire within a week
  ansible.builtin.debug:
    msg: "{{ expiring | selectattr('remaining_days', 'lt', 7) | map(attribute='auth_key_id') }}"
  vars:
    expiring: "{{ digicert.auth_keys | rejectattr('permanent') }}"
  run_once: true
"""

RETURN = r"""
auth_keys:
  description: The AuthKeys. Empty when there is none, or none with the id in O(auth_key_id).
  returned: success
  type: list
  elements: dict
  contains:
    auth_key_id:
      description: Id of the AuthKey.
      returned: always
      type: str
      sample: 8b1c5f0e2a7d
    auth_key:
      description: The AuthKey itself, a secret.
      returned: always
      type: str
      sample: 1f3870be274f6c49b3e31a0c6728957f
    expiration_datetime:
      description: When the AuthKey expires (UTC, ISO 8601), as the API gave it. V(none) for the permanent AuthKey.
      returned: always
      type: str
      sample: "2025-06-06T18:24:09+00:00"
    permanent:
      description: Whether the AuthKey never expires.
      returned: always
      type: bool
      sample: false
    remaining_days:
      description:
        - Days of 24 hours until the AuthKey expires, by the clock of the API.
        - Negative when it has expired, V(none) for the permanent AuthKey.
      returned: always
      type: float
      sample: 27.35
http_status:
  description: HTTP status of the response that made the task fail.
  returned: failure, when there was a response
  type: int
  sample: 401
code:
  description: Error code of the API.
  returned: failure, when the response had one
  type: str
  sample: access_denied|missing_permission
"""

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import (
    connection_argument_spec,
    new_module,
    run,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import get_key, list_keys
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client


def info(client: Client, auth_key_id: str | None) -> dict[str, t.Any]:
    """Return the module's result; raises DigicertError."""
    if auth_key_id is None:
        keys = list_keys(client)
    else:
        key = get_key(client, auth_key_id)
        keys = [] if key is None else [key]
    now = client.now()
    return {
        "changed": False,
        "auth_keys": [
            {
                "auth_key_id": key.auth_key_id,
                "auth_key": key.auth_key,
                "expiration_datetime": key.expiration_datetime,
                "permanent": key.expires is None,
                "remaining_days": key.remaining_days(now),
            }
            for key in keys
        ],
    }


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec={**connection_argument_spec(), "auth_key_id": {"type": "str", "no_log": False}},
        supports_check_mode=True,
    )
    run(module, lambda client: info(client, module.params["auth_key_id"]))


if __name__ == "__main__":
    main()
