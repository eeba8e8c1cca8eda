# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: request_token
short_description: Make a DigiCert request token for a CSR
version_added: 0.1.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Makes the request token that proves control of a domain to DigiCert, from a certificate signing request (CSR)
    and an AuthKey of the CertCentral account.
  - Put the token into a TXT record, or into the file C(/.well-known/pki-validation/fileauth.txt) of the web server,
    before you order the certificate.
  - The filter does not send requests, and needs no libraries besides Python's own.
positional: auth_key
options:
  _input:
    description:
      - The CSR, as PEM text or as the base64 body of one.
      - The filter also reads a CSR with a byte order mark or in UTF-16, which some Windows programs write.
      - With O(csr_format=base64), line ends and spaces do not matter.
    type: string
    required: true
  auth_key:
    description:
      - The AuthKey, see M(community.digicert.digicert_auth_key).
    type: string
    required: true
  timestamp:
    description:
      - When the token becomes valid, as 14 digits C(YYYYMMDDhhmmss) in UTC.
      - If not set, this is the current time minus O(backdate).
      - Quote it in YAML, because the filter does not accept a number.
    type: string
  backdate:
    description:
      - How many seconds in the past the validity begins. DigiCert refuses a token whose timestamp is in the future, so
        the controller's clock can be fast by this many seconds.
      - Must be at least V(0), and less than 30 days, the validity of a token.
      - Not used when O(timestamp) is set.
    type: integer
    default: 300
  csr_format:
    description:
      - Which form of the CSR is hashed. The order must contain the CSR in the same form, see
        P(community.digicert.order_csr#filter).
      - V(base64) is the base64 body on one line, without the BEGIN and END lines.
      - V(pem) is the PEM text exactly as given, so every line end counts.
      - V(pem_line) is the BEGIN line, the base64 body, and the END line, without line breaks.
    type: string
    choices: [base64, pem, pem_line]
    default: base64
notes:
  - Without O(timestamp), every evaluation can return another token. Use M(ansible.builtin.set_fact) to keep one.
  - The token is valid for 30 days, and no longer than the AuthKey it was made with.
seealso:
  - plugin: community.digicert.order_csr
    plugin_type: filter
  - plugin: community.digicert.request_token_info
    plugin_type: filter
  - plugin: community.digicert.valid_request_token
    plugin_type: test
  - module: community.digicert.digicert_auth_key
  - ref: ansible_collections.community.digicert.docsite.request_token_guide
    description: How to make, publish, and check request tokens.
"""

EXAMPLES = r"""
- name: Make a CSR
  community.crypto.openssl_csr_pipe:
    privatekey_path: /etc/ssl/private/www.example.com.key
    common_name: www.example.com
  register: request

- name: Make the request token for it
  ansible.builtin.set_fact:
    token: "{{ request.csr | community.digicert.request_token(auth_key=digicert_auth_key) }}"

- name: Read a CSR that is a file on the host
  ansible.builtin.slurp:
    src: /etc/ssl/www.example.com.csr
  register: file

- name: Make the token for it and put it where DigiCert looks
  ansible.builtin.copy:
    content: "{{ file.content | b64decode | community.digicert.request_token(auth_key=digicert_auth_key) }}"
    dest: /var/www/html/.well-known/pki-validation/fileauth.txt
    mode: "0644"

- name: Make tokens for many CSRs at once
  ansible.builtin.set_fact:
    tokens: "{{ csrs | map('community.digicert.request_token', auth_key=digicert_auth_key) | list }}"
"""

RETURN = r"""
_value:
  description: The request token, 64 characters.
  type: string
  sample: 20261123161453265vvrqi59i4vilkk3a4b54meigsp0t06sgxd7mnai7shk7l8q
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import (
    DEFAULT_BACKDATE,
    make_token,
)


def request_token(
    csr: object,
    auth_key: object,
    *,
    timestamp: object = None,
    backdate: object = DEFAULT_BACKDATE,
    csr_format: object = "base64",
) -> str:
    """Return the request token for a CSR; raises AnsibleFilterError."""
    try:
        return make_token(csr, auth_key, timestamp=timestamp, backdate=backdate, csr_format=csr_format)
    except DigicertError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"request_token": request_token}
