# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: valid_request_token
short_description: Test whether a text contains a DigiCert request token that is valid now
version_added: 0.1.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Tests whether DigiCert would find a valid request token in a text.
  - Like DigiCert's validator, it looks at every 64 characters that begin with the current or the previous year (UTC),
    computes the token for the timestamp in them, and compares.
  - The token must not be from the future, and must not be older than 30 days. It is valid from the second of its
    timestamp until exactly 30 days later.
  - The test does not send requests. Read the text with M(ansible.builtin.uri) or a DNS lookup, from a place where you
    see what DigiCert sees.
positional: csr, auth_key
options:
  _input:
    description:
      - The text, such as the value of a TXT record or the body of a file.
    type: string
    required: true
  csr:
    description:
      - The CSR for which the token was made, as PEM text or as the base64 body of one.
    type: string
    required: true
  auth_key:
    description:
      - The AuthKey with which the token was made.
    type: string
    required: true
  csr_format:
    description:
      - Which form of the CSR was hashed, see P(community.digicert.request_token#filter).
    type: string
    choices: [base64, pem, pem_line]
    default: base64
  method:
    description:
      - Where the text comes from, because DigiCert reads files and TXT records differently.
      - V(http) is the body of a file. DigiCert reads the first 5,000 characters, which can contain any number of
        tokens.
      - V(dns) is the value of one TXT record. Nothing else that begins with the current or the previous year may
        precede the token. Test each record by itself.
      - If not set, the token can be anywhere in the text.
    type: string
    choices: [http, dns]
    version_added: 0.3.0
notes:
  - The test fails with an error if O(csr), O(auth_key), O(csr_format), or O(method) is invalid, or if O(_input) is not
    a string. You can test any text, even an empty one.
seealso:
  - plugin: community.digicert.request_token
    plugin_type: filter
  - plugin: community.digicert.request_token_info
    plugin_type: filter
  - ref: ansible_collections.community.digicert.docsite.request_token_guide
    description: How to make, publish, and check request tokens.
"""

EXAMPLES = r"""
- name: Wait until the web server shows a valid token
  ansible.builtin.uri:
    url: http://www.example.com/.well-known/pki-validation/fileauth.txt
    return_content: true
  register: page
  until: >-
    page.content | default('')
    is community.digicert.valid_request_token(csr=csr, auth_key=digicert_auth_key, method='http')
  retries: 10
  delay: 3

- name: Make sure that one of the TXT records has a valid token
  ansible.builtin.assert:
    that:
      - >-
        texts | select('community.digicert.valid_request_token', csr=csr, auth_key=digicert_auth_key, method='dns')
        | list | length > 0
  vars:
    texts: "{{ query('community.dns.lookup', '_dnsauth.example.com', type='TXT') }}"
"""

RETURN = r"""
_value:
  description: Whether the text contains a request token that is valid now.
  type: boolean
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import has_valid_token


def valid_request_token(
    text: object, csr: object, auth_key: object, *, csr_format: object = "base64", method: object = None
) -> bool:
    """Return whether a text contains a request token that is valid now; raises AnsibleFilterError."""
    try:
        return has_valid_token(text, csr, auth_key, csr_format=csr_format, method=method)
    except DigicertError as error:
        raise AnsibleFilterError(str(error)) from None


class TestModule:
    """The test, for Ansible."""

    def tests(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the test by its name."""
        return {"valid_request_token": valid_request_token}
