#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_certificate_request
short_description: Create a private key and a CSR, and activate staged files
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Makes sure that there is a private key and a certificate signing request (CSR) for exactly the given names, both on
    the host that runs the module. The private key never leaves that host and is never readable by other users, not even
    for a moment.
  - The module never replaces an existing private key. To change to a new one, O(staged=true) creates a private key and
    a CSR beside those in use, and O(state=activated) puts them in place together with the certificate that was issued
    for them.
  - The module does not contact other machines, and needs no API key.
extends_documentation_fragment:
  - community.digicert._attributes
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows whether a private key exists, and the CSR, which is public.
  idempotent:
    support: partial
    details:
      - Not with O(new_csr=true), which creates a CSR with each run.
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to ensure proper permissions and avoid data corruption.
    support: full
options:
  state:
    description:
      - V(present) makes sure that private key and CSR exist.
      - V(activated) renames each staged file of O(activate_paths) to the name without C(.next).
    type: str
    choices: [present, activated]
    default: present
  private_key_path:
    description:
      - File of the private key, PEM text. It can also contain certificates.
      - The directory and its parents must belong to root, the task's user or O(private_key_owner), and nobody else may
        have write access. Directories with the sticky bit, such as C(/tmp), are allowed.
      - Required with O(state=present). With O(state=activated), it says which file is the private key.
    type: path
  csr_path:
    description:
      - File of the CSR, PEM text. Required with O(state=present).
      - The options O(mode), O(owner), and O(group) apply to this file. If they are not set, an existing file keeps its
        own.
    type: path
  common_name:
    description:
      - First name of the certificate. It becomes the common name of the CSR if it has at most 64 characters.
      - Required with O(state=present).
    type: str
  dns_names:
    description:
      - Other DNS names of the certificate. O(common_name) may be repeated here.
      - Names with characters outside ASCII are converted to A-labels (C(xn--...)).
    type: list
    elements: str
    default: []
  new_csr:
    description:
      - Whether to create another CSR even if the existing one matches the private key and the names. A renewal needs
        one.
    type: bool
    default: false
  staged:
    description:
      - Whether to work on the files O(private_key_path) and O(csr_path) with C(.next) appended to their names. If there
        already is a staged private key, the module uses it.
    type: bool
    default: false
  activate_paths:
    description:
      - Files to activate, in this order, each without C(.next). The certificate must be the last one.
      - Nothing happens unless the last file is staged. If a run is interrupted, the next one activates the rest.
      - A file keeps the owner, group, and mode of the file it replaces, unless an option asks for others.
    type: list
    elements: path
  private_key_type:
    description:
      - Type of a private key that is created.
    type: str
    choices: [RSA, ECC]
    default: RSA
  private_key_size:
    description:
      - Bits of an RSA key that is created.
    type: int
    default: 2048
  private_key_curve:
    description:
      - Curve of an ECC key that is created.
    type: str
    choices: [secp256r1, secp384r1, secp521r1]
    default: secp256r1
  private_key_passphrase:
    description:
      - Passphrase to encrypt a private key that is created, and to read an encrypted one.
    type: str
  private_key_mode:
    description:
      - Permissions of the private key, as in O(mode).
      - If not set, a key that is created has V(0600), or with O(staged) those of the key in use. An existing key keeps
        its own.
    type: raw
  private_key_owner:
    description:
      - User, by name or id, who owns the private key. If not set, the same rule as for O(private_key_mode) applies.
    type: str
  private_key_group:
    description:
      - Group, by name or id, of the private key. If not set, the same rule as for O(private_key_mode) applies.
    type: str
  backup:
    description:
      - Whether to keep a copy, with a timestamp in its name, of each file that is replaced. The copy has the
        permissions of the original.
      - The module does not keep a copy of a CSR that asks for the same names and nothing else.
    type: bool
    default: true
requirements:
  - cryptography >= 3.3
seealso:
  - module: community.digicert.digicert_certificate
  - module: community.digicert.digicert_certificate_bundle
  - ref: ansible_collections.community.digicert.docsite.certificate_guide
    description: How to get certificates with your own steps.
"""

EXAMPLES = r"""
- name: Create a private key and a CSR
  community.digicert.digicert_certificate_request:
    private_key_path: /etc/ssl/www.example.com.key
    csr_path: /etc/ssl/www.example.com.csr
    common_name: www.example.com
    dns_names: [example.com]
  register: request

- name: Prepare a new private key beside the one in use
  community.digicert.digicert_certificate_request:
    private_key_path: /etc/ssl/www.example.com.key
    csr_path: /etc/ssl/www.example.com.csr
    common_name: www.example.com
    private_key_type: ECC
    staged: true

- name: Put the new private key in place after its certificate was issued
  community.digicert.digicert_certificate_request:
    state: activated
    private_key_path: /etc/ssl/www.example.com.key
    activate_paths:
      - /etc/ssl/www.example.com.key
      - /etc/ssl/www.example.com.csr
      - /etc/ssl/www.example.com.fullchain.pem
  notify: Reload the web server
"""

RETURN = r"""
csr:
  description: The CSR, PEM text. V(none) in check mode when the private key does not exist.
  returned: success with O(state=present)
  type: str
  sample: |
    -----BEGIN CERTIFICATE REQUEST-----
    MIIC...
    -----END CERTIFICATE REQUEST-----
private_key_created:
  description: Whether a private key was created.
  returned: with O(state=present)
  type: bool
  sample: true
csr_created:
  description: Whether a CSR was created.
  returned: with O(state=present)
  type: bool
  sample: true
activated_files:
  description: The files that were replaced by staged ones, or created from them.
  returned: with O(state=activated)
  type: list
  elements: str
  sample: [/etc/ssl/www.example.com.key]
backup_files:
  description: Copies of files that were replaced.
  returned: always
  type: list
  elements: str
  sample: [/etc/ssl/www.example.com.csr.4711.2026-11-23@10:00:00~]
"""

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._ansible.request_work import RequestWork
from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import new_module, run_without_client


def argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the argument spec."""
    return {
        "state": {"type": "str", "choices": ["present", "activated"], "default": "present"},
        "private_key_path": {"type": "path", "no_log": False},
        "csr_path": {"type": "path"},
        "common_name": {"type": "str"},
        "dns_names": {"type": "list", "elements": "str", "default": []},
        "new_csr": {"type": "bool", "default": False},
        "staged": {"type": "bool", "default": False},
        "activate_paths": {"type": "list", "elements": "path"},
        "private_key_type": {"type": "str", "choices": ["RSA", "ECC"], "default": "RSA", "no_log": False},
        "private_key_size": {"type": "int", "default": 2048, "no_log": False},
        "private_key_curve": {
            "type": "str",
            "choices": ["secp256r1", "secp384r1", "secp521r1"],
            "default": "secp256r1",
            "no_log": False,
        },
        "private_key_passphrase": {"type": "str", "no_log": True},
        "private_key_mode": {"type": "raw", "no_log": False},
        "private_key_owner": {"type": "str", "no_log": False},
        "private_key_group": {"type": "str", "no_log": False},
        "backup": {"type": "bool", "default": True},
    }


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec=argument_spec(),
        add_file_common_args=True,
        required_if=[
            ("state", "present", ("private_key_path", "csr_path", "common_name")),
            ("state", "activated", ("activate_paths",)),
        ],
        supports_check_mode=True,
    )
    work = RequestWork(module)
    run_without_client(module, work.result, work.failure_details)


if __name__ == "__main__":
    main()
