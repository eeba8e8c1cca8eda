#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_auth_key
short_description: Create, reuse, rotate, or delete an AuthKey of a DigiCert CertCentral account
version_added: 0.1.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Makes sure that a DigiCert CertCentral account has an AuthKey, and returns it. The module reuses an AuthKey that
    fits, and creates a missing one.
  - The permanent AuthKey is created exactly once, even when many hosts ask at the same time or the network fails. One
    that expires can be created more than once in these cases, which costs nothing.
  - An AuthKey is an account-wide secret. Request tokens made with it prove control of a domain before an order is
    placed, so that DV certificates are issued at once.
  - By default the module manages the account's permanent AuthKey. Set O(ttl_days) to manage an AuthKey that expires.
  - If the account already has the AuthKey, the module sends one request and changes nothing.
extends_documentation_fragment:
  - community.digicert._options
  - community.digicert._attributes
  - community.digicert._attributes.api_module
attributes:
  check_mode:
    support: full
    details:
      - Sends no request that creates or deletes an AuthKey.
  diff_mode:
    support: full
    details:
      - Shows id and expiry of the AuthKey, never the AuthKey itself.
  facts:
    description: Action returns an C(ansible_facts) dictionary that will update existing host facts.
    support: full
  idempotent:
    support: partial
    details:
      - With O(state=present) and O(force=true), each run creates an AuthKey.
options:
  state:
    description:
      - V(present) makes sure that the account has the requested AuthKey.
      - V(absent) makes sure that an AuthKey does not exist. It needs either O(auth_key_id) or O(permanent=true). When
        an AuthKey is deleted, all request tokens made with it become invalid.
    type: str
    choices: [present, absent]
    default: present
  ttl_days:
    description:
      - How many days the AuthKey is valid, at least V(1). Omit it for the permanent AuthKey.
      - An account can have any number of AuthKeys that expire. If two hosts need one at the same moment, each creates
        one. Run the task once for all hosts, as the examples show.
      - If a response is lost and the account's list does not show the new AuthKey soon, the module creates another one.
      - If the service gives a new AuthKey another validity, so that later runs do not reuse it, the module adds a
        warning.
      - Only with O(state=present).
    type: int
  min_remaining_days:
    description:
      - The module reuses an expiring AuthKey that is valid for at least this many more days and at most for
        O(ttl_days). If there are several, it reuses the one that is valid longest.
      - Requires O(ttl_days), and must be less than it. If not set, this is one third of O(ttl_days).
    type: float
  force:
    description:
      - Create an AuthKey even if a suitable one exists.
      - With O(ttl_days), this adds one more AuthKey.
      - Without O(ttl_days), this rotates the permanent AuthKey. The module deletes it, so that its request tokens
        become invalid, and creates another one. If the second step fails, the error message says so, and the next run
        creates the AuthKey. If another run created the AuthKey at the same time, so that nothing was replaced, the
        task fails and says so.
      - Only used with O(state=present).
    type: bool
    default: false
  auth_key_id:
    description:
      - Id of the AuthKey to delete, permanent or not, active or not. It must not be empty.
      - Only with O(state=absent).
    type: str
  permanent:
    description:
      - Delete the account's permanent AuthKey. You do not need to know its id.
      - Only with O(state=absent), and not together with O(auth_key_id), not even with an empty one.
    type: bool
    default: false
    version_added: 0.3.0
  set_facts:
    description:
      - Whether to also return the AuthKey as the fact RV(ignore:ansible_facts.digicert_auth_key), for later tasks and
        roles.
      - Turn this off if a registered result is enough, or if you use a persistent fact cache (C(fact_caching) other
        than C(memory)), which keeps the AuthKey on disk or in a database.
    type: bool
    default: true
notes:
  - The module returns a secret. Set C(no_log=true) on the task if anything stores its output.
  - Unless C(pipelining) is on, Ansible passes all options, including O(api_key), to a module in a file on the host that
    runs it. Delegate the task to the controller to keep the API key away from managed hosts.
  - After a timeout, a broken connection, HTTP 5xx, or an unreadable response, it can be unclear whether the service
    created or deleted an AuthKey. The module then checks the account's AuthKeys before it tries again. If that does not
    settle it, the task fails, says so, and counts as changed.
  - The remaining validity is measured by the clock of the API.
seealso:
  - module: community.digicert.digicert_auth_key_info
  - ref: ansible_collections.community.digicert.docsite.auth_key_guide
    description: How to create, reuse, rotate, and watch AuthKeys.
"""

EXAMPLES = r"""
- name: Make sure that the account has an AuthKey, for all hosts at once
  community.digicert.digicert_auth_key:
    api_key: "{{ digicert_api_key }}"
  delegate_to: localhost
  run_once: true
  no_log: true

- name: Use it in a later task, or in a role, as a fact
  ansible.builtin.include_role:
    name: request_certificate
  vars:
    auth_key: "{{ ansible_facts.digicert_auth_key.auth_key }}"

- name: Get an AuthKey that is valid for at least a week and at most a month, as a registered value only
  community.digicert.digicert_auth_key:
    api_key: "{{ digicert_api_key }}"
    ttl_days: 30
    min_remaining_days: 7
    set_facts: false
  delegate_to: localhost
  run_once: true
  no_log: true
  register: digicert

- name: Rotate the permanent AuthKey of an account on the European instance
  community.digicert.digicert_auth_key:
    api_key: "{{ digicert_api_key }}"
    api_url: https://certcentral.digicert.eu/services/v2
    force: true
  delegate_to: localhost
  run_once: true
  no_log: true

- name: Delete an AuthKey by its id
  community.digicert.digicert_auth_key:
    api_key: "{{ digicert_api_key }}"
    state: absent
    auth_key_id: "{{ digicert.auth_key_id }}"
  delegate_to: localhost
  run_once: true

- name: Delete the permanent AuthKey
  community.digicert.digicert_auth_key:
    api_key: "{{ digicert_api_key }}"
    state: absent
    permanent: true
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
auth_key_id:
  description:
    - Id of the AuthKey.
    - V(none) if there was nothing to delete, and in check mode if an AuthKey would be created.
  returned: success
  type: str
  sample: 8b1c5f0e2a7d
auth_key:
  description:
    - The AuthKey itself, a secret.
    - V(none) in check mode if an AuthKey would be created.
  returned: success and O(state=present)
  type: str
  sample: 1f3870be274f6c49b3e31a0c6728957f
expiration_datetime:
  description:
    - When the AuthKey expires (UTC, ISO 8601), as the API gave it. V(none) for the permanent AuthKey.
    - V(none) in check mode if an AuthKey would be created.
  returned: success and O(state=present)
  type: str
  sample: "2025-06-06T18:24:09+00:00"
ansible_facts:
  description: Facts to add to the host.
  returned: success, O(state=present) and O(set_facts=true)
  type: dict
  contains:
    digicert_auth_key:
      description: The AuthKey.
      returned: always
      type: dict
      contains:
        auth_key_id:
          description: See RV(auth_key_id).
          returned: always
          type: str
          sample: 8b1c5f0e2a7d
        auth_key:
          description: See RV(auth_key).
          returned: always
          type: str
          sample: 1f3870be274f6c49b3e31a0c6728957f
        expiration_datetime:
          description: See RV(expiration_datetime).
          returned: always
          type: str
          sample: "2025-06-06T18:24:09+00:00"
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
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_key_creation import ensure_present
from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import AuthKey, AuthKeySpec
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError


def present(client: Client, module: AnsibleModule) -> dict[str, t.Any]:
    """Return the result for state=present; raises DigicertError."""
    params = module.params
    if params["auth_key_id"] is not None or params["permanent"]:
        raise DigicertError("auth_key_id and permanent can only be used with state=absent.")
    spec = AuthKeySpec.from_options(params["ttl_days"], params["min_remaining_days"])
    change = ensure_present(client, spec, force=params["force"], dry_run=module.check_mode)
    if change.warning:
        module.warn(change.warning)
    key = {name: getattr(change.after, name, None) for name in ("auth_key_id", "auth_key", "expiration_datetime")}
    result = {"changed": change.changed, **key, "diff": diff(change.before, change.after, to_be=change.changed)}
    if params["set_facts"]:
        result["ansible_facts"] = {"digicert_auth_key": key}
    return result


def absent(client: Client, module: AnsibleModule) -> dict[str, t.Any]:
    """Return the result for state=absent; raises DigicertError."""
    # Most tasks delete nothing, and Ansible compiles what is imported in each task.
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_key_deletion import (
        ensure_absent,
    )

    params = module.params
    if params["ttl_days"] is not None:
        raise DigicertError("ttl_days cannot be used with state=absent. Set auth_key_id to the AuthKey to delete.")
    change = ensure_absent(
        client, auth_key_id=params["auth_key_id"], permanent=params["permanent"], dry_run=module.check_mode
    )
    return {
        "changed": change.changed,
        "auth_key_id": change.before and change.before.auth_key_id,
        "diff": diff(change.before, change.after),
    }


def diff(before: AuthKey | None, after: AuthKey | None, to_be: bool = False) -> dict[str, dict[str, t.Any]]:
    """Return id and expiry of the key before and after, never the key; `to_be` is whether one will be created."""

    def side(key: AuthKey | None) -> dict[str, t.Any]:
        return {} if key is None else {"auth_key_id": key.auth_key_id, "expiration_datetime": key.expiration_datetime}

    created = {"auth_key_id": "(given by CertCentral)"} if to_be else {}
    return {"before": side(before), "after": side(after) or created}


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec={
            **connection_argument_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "ttl_days": {"type": "int"},
            "min_remaining_days": {"type": "float"},
            "force": {"type": "bool", "default": False},
            "auth_key_id": {"type": "str", "no_log": False},
            "permanent": {"type": "bool", "default": False},
            "set_facts": {"type": "bool", "default": True},
        },
        required_by={"min_remaining_days": "ttl_days"},
        supports_check_mode=True,
    )
    work = present if module.params["state"] == "present" else absent
    run(module, lambda client: work(client, module))


if __name__ == "__main__":
    main()
