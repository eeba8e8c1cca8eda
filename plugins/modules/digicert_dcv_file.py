#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_dcv_file
short_description: Publish a request token or random value in a webroot
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Adds a value to the file C(.well-known/pki-validation/fileauth.txt) below a webroot, or removes it. DigiCert looks
    there to validate control of a domain with the method V(http-token).
  - The value becomes the first line of the file. Everything else in the file stays, so several hosts and other tools
    can share one webroot.
  - The module does not contact other machines, and needs no API key.
extends_documentation_fragment:
  - community.digicert._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  webroot:
    description:
      - Directory that the web server serves as C(/). It must exist with O(state=present).
      - It can be a link. The module refuses links below it, because the owner of the webroot could point them anywhere.
    type: path
    required: true
  value:
    description:
      - Request token, see P(community.digicert.request_token#filter), or random value.
    type: str
    required: true
  state:
    description:
      - V(present) adds the value, and creates missing directories with mode C(0755) and a missing file with mode
        C(0644). It does not change the mode of existing directories and files.
      - V(absent) removes the value. It also removes the file and the directories if this module created them and they
        are empty.
    type: str
    choices: [present, absent]
    default: present
  owner:
    description:
      - User, by name or id, who owns directories and files that are created.
      - If not set, root gives them to the owner of the webroot. Another user keeps them.
    type: str
  group:
    description:
      - Group, by name or id, of directories and files that are created.
      - If not set, root gives them the group of the webroot.
    type: str
notes:
  - If the module creates the file, it adds a comment line that says what it created. A later run on any host that
    shares the webroot uses this line to find what to remove.
  - While the module changes the file, there is a lock C(.fileauth.txt.lock) beside it. On NFS, the lock also works
    between hosts.
seealso:
  - module: community.digicert.digicert_certificate
  - plugin: community.digicert.request_token
    plugin_type: filter
  - ref: ansible_collections.community.digicert.docsite.request_token_guide
    description: How to make, publish, and check request tokens.
"""

EXAMPLES = r"""
- name: Publish a request token
  community.digicert.digicert_dcv_file:
    webroot: /var/www/html
    value: "{{ csr | community.digicert.request_token(auth_key=digicert_auth_key) }}"
  register: published

- name: Remove it after the certificate was issued
  community.digicert.digicert_dcv_file:
    webroot: /var/www/html
    value: "{{ published.value }}"
    state: absent
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /var/www/html/.well-known/pki-validation/fileauth.txt
value:
  description: The value of O(value), to remove it with.
  returned: success
  type: str
  sample: 202611231000000hl5xz0a8q1pm5c4bafqkdjx0z8ny9v2w7t6u3s1r0eoidlg
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._ansible.file_writer import group_id, user_id
from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import new_module, run_without_client
from ansible_collections.community.digicert.plugins.module_utils._files import webroot


def argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the argument spec."""
    return {
        "webroot": {"type": "path", "required": True},
        "value": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "owner": {"type": "str"},
        "group": {"type": "str"},
    }


def put_value(module: AnsibleModule) -> dict[str, t.Any]:
    """Add or remove the value, and return the result; raises DigicertError."""
    params = module.params
    owner = webroot.Owner(user_id(params["owner"]), group_id(params["group"]))
    if params["state"] == "present":
        changed = webroot.publish(params["webroot"], params["value"], owner, check_mode=module.check_mode)
    else:
        changed = webroot.unpublish(params["webroot"], params["value"], check_mode=module.check_mode)
    path = webroot.file_path(params["webroot"])
    result = {"changed": changed, "path": path, "value": params["value"]}
    if changed:
        texts = ("", f"{params['value']}\n") if params["state"] == "present" else (f"{params['value']}\n", "")
        result["diff"] = {"before_header": path, "after_header": path, "before": texts[0], "after": texts[1]}
    return result


def main() -> None:
    """Run the module."""
    module = new_module(argument_spec=argument_spec(), supports_check_mode=True)
    run_without_client(module, lambda: put_value(module))


if __name__ == "__main__":
    main()
