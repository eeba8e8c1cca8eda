# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: order_csr
short_description: Convert a CSR to the form that a DigiCert request token is made for
version_added: 0.1.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Returns the exact string that P(community.digicert.request_token#filter) hashes. The order must contain this string
    as C(certificate.csr).
  - Use it if you place orders without M(community.digicert.digicert_certificate).
positional: csr_format
options:
  _input:
    description:
      - The CSR, as PEM text or as the base64 body of one.
    type: string
    required: true
  csr_format:
    description:
      - V(base64) is the base64 body on one line, without the BEGIN and END lines.
      - V(pem) is the PEM text exactly as given.
      - V(pem_line) is the BEGIN line, the base64 body, and the END line, without line breaks.
    type: string
    choices: [base64, pem, pem_line]
    default: base64
seealso:
  - plugin: community.digicert.request_token
    plugin_type: filter
  - ref: ansible_collections.community.digicert.docsite.request_token_guide
    description: How to make, publish, and check request tokens.
"""

EXAMPLES = r"""
- name: Order a certificate with the CSR that the request token was made for
  ansible.builtin.uri:
    url: https://www.digicert.com/services/v2/order/certificate/ssl_dv_geotrust_flex
    method: POST
    headers:
      X-DC-DEVKEY: "{{ digicert_api_key }}"
    body_format: json
    body:
      certificate:
        common_name: www.example.com
        csr: "{{ lookup('ansible.builtin.file', 'www.example.com.csr') | community.digicert.order_csr }}"
      order_validity:
        days: 90
      dcv_method: http-token
      use_auth_key: true
    status_code: 201
"""

RETURN = r"""
_value:
  description: The CSR as an order must contain it.
  type: string
  sample: MIICijCCAXICAQAwRTELMAkGA1UEBhMCQVU...
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509 import csr as _csr


def order_csr(csr: object, csr_format: object = "base64") -> str:
    """Return a CSR in the form that a request token is made for; raises AnsibleFilterError."""
    try:
        return _csr.order_csr(csr, csr_format)
    except DigicertError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"order_csr": order_csr}
