#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_certificate
short_description: Order a DV certificate from DigiCert CertCentral and install it
version_added: 0.1.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Orders a domain-validated (DV) certificate for a certificate signing request (CSR) and installs it with its chain.
    When a request token proves the control of the domains before the order is placed, the certificate comes in the
    answer to the order, which is then the only request.
  - An order costs money, and the module places it exactly once. When the answer to an order is lost, the order is
    looked for in the account before it is placed again. When the service was silent and shows no order, the task fails,
    and the next run looks again. When a run is cut off at any point, the next run continues the order.
  - As long as the certificate in place has the public key of the CSR, covers all names and is valid for at least
    O(remaining_days) more, no request is sent. Content and attributes of the files are still corrected.
extends_documentation_fragment:
  - community.digicert._options
  - community.digicert._order_options
  - community.digicert._attributes
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
    details:
      - Sends no request. Whether an order would end with a certificate is not known then.
  diff_mode:
    support: full
    details:
      - Shows subject, names, serial number and validity of the certificates in each file.
  idempotent:
    support: partial
    details:
      - Not with O(force=true), and not without O(path) and O(full_chain_path), where each run places an order.
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to ensure proper permissions and avoid data corruption.
    support: full
options:
  csr:
    description:
      - File with the CSR in PEM form, on the host that runs the module.
      - Exactly one of O(csr) and O(csr_content) is needed.
    type: path
  csr_content:
    description:
      - The CSR itself in PEM form.
      - It is kept out of logs, as people sometimes pass a private key by mistake, which is refused.
    type: str
  path:
    description:
      - File for the certificate.
      - The folder must exist. This is checked before an order is placed.
      - Without O(path) and O(full_chain_path), the certificate is returned only, each run places an order, and an order
        is not remembered from run to run. Use O(order_id) to continue one.
    type: path
  chain_path:
    description:
      - File for the intermediate certificates, in the order of signing. The root certificate is never in it.
      - Needs O(path) or O(full_chain_path).
    type: path
  full_chain_path:
    description:
      - File for the certificate followed by the intermediate certificates, which is what most servers want.
    type: path
  include_root:
    description:
      - Whether O(full_chain_path) and RV(full_chain) end with the root certificate. Clients have it already.
    type: bool
    default: false
  backup:
    description:
      - Whether to keep a copy of each file that is replaced, with a timestamp in its name.
    type: bool
    default: false
  remaining_days:
    description:
      - A certificate that is valid for less days than this is due for renewal.
      - Must be less than the days in O(cert_validity_days) and O(order_validity). When it turns out not to be less than
        the validity of the certificate, there is a warning, and the certificate is renewed when a third of its validity
        is left, so that not every run places an order.
    type: int
    default: 30
  force:
    description:
      - Order a certificate although nothing is due.
      - An order that is under way for the same CSR, names and product is continued all the same, not doubled. One that
        was rejected or canceled, or is for another CSR, is given up, and a new one is placed.
      - Use it once, for example with C(-e) on the command line, since each run with it orders.
    type: bool
    default: false
  order_id:
    description:
      - Id of an order placed earlier, to be continued. No order is placed then.
      - Its certificate is fetched when one is due, or with O(force=true).
    type: int
  wait:
    description:
      - Whether to wait until the certificate is issued.
      - With V(false), the result of a pending order has RV(status=pending). The next run continues the order.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for an order to be issued, and for another run that works on the same certificate to end.
    type: int
    default: 600
requirements:
  - cryptography >= 3.3
notes:
  - Before an order is placed, a marker C(.<name>.order.json) is written beside O(path), or beside O(full_chain_path)
    without that. It holds the fingerprint of the CSR, names, product and order id, and nothing secret. It is removed
    when the certificate is installed. As long as it is there, a run begins with a look at the order, and continues it.
    It is also the lock that makes a second run for the same certificate wait for the first.
  - When a remembered order ended without certificate, the task fails until it is run once with O(force=true), so that
    no run orders in vain. A refusal of the order itself leaves no marker.
  - An order that waits for domain control validation is checked again and again until O(wait_timeout), so a token that
    is published late is found.
  - Nothing is written before it is checked that the certificate has the public key of the CSR and covers all names, and
    that each certificate of the chain signed the one before it.
  - A lost file is rebuilt from the other files where possible. A chain that is in none of them is downloaded from the
    order that the certificate came from. Neither places an order.
  - A certificate that covers more names than asked for is not replaced for that.
seealso:
  - module: community.digicert.digicert_auth_key
  - plugin: community.digicert.request_token
    plugin_type: filter
  - module: community.crypto.openssl_csr
  - module: community.crypto.openssl_privatekey
"""

EXAMPLES = r"""
- name: Have a certificate whose request token is published, and renew it in time
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    csr: /etc/ssl/www.example.com.csr
    path: /etc/ssl/www.example.com.pem
    full_chain_path: /etc/ssl/www.example.com.fullchain.pem
    order_validity:
      years: 1
    owner: root
    group: root
    mode: "0644"
  notify: Reload the web server

- name: Have a wildcard certificate validated by DNS, with a short life
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    csr_content: "{{ csr.content }}"
    common_name: "*.example.com"
    dns_names: [example.com]
    dcv_method: dns-txt-token
    cert_validity_days: 47
    remaining_days: 15
    full_chain_path: /etc/haproxy/certs/example.com.pem

- name: Place an order without AuthKey, and do not wait
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    csr: /etc/ssl/www.example.com.csr
    path: /etc/ssl/www.example.com.pem
    use_auth_key: false
    dcv_method: dns-txt-token
    wait: false
  register: order

- name: Continue an order placed earlier, and only return its certificate
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    csr_content: "{{ csr.content }}"
    order_id: 123456789
  register: issued
"""

RETURN = r"""
order_id:
  description:
    - Id of the order. V(none) when none was placed or looked at.
  returned: success, and failure when it is known
  type: int
  sample: 123456789
certificate_id:
  description:
    - Id of the certificate in CertCentral. V(none) when no order was placed or looked at, or it is not issued.
  returned: success, and failure when it is known
  type: int
  sample: 456789123
status:
  description:
    - On success, the state of the order as a string, V(issued), or V(pending) with O(wait=false). V(none) when no
      order was placed or looked at.
    - On failure, the HTTP status of the answer that made the task fail, as a number, when there was one. For the state
      of the order see RV(order_status).
  returned: success, and failure when an answer made the task fail
  type: raw
  sample: issued
order_status:
  description: State of the order when it was last seen.
  returned: failure, when the order is known
  type: str
  sample: needs_approval
certificate:
  description:
    - The certificate, PEM text. V(none) when it is not issued, and in check mode when an order would be placed.
  returned: success
  type: str
  sample: |
    -----BEGIN CERTIFICATE-----
    MIIE...
    -----END CERTIFICATE-----
chain:
  description:
    - The intermediate certificates, PEM text.
    - V(none) when RV(certificate) is, and when they are neither asked for by O(chain_path) or O(full_chain_path) nor at
      hand.
  returned: success
  type: str
  sample: |
    -----BEGIN CERTIFICATE-----
    MIIF...
    -----END CERTIFICATE-----
full_chain:
  description: RV(certificate) and RV(chain), with the root certificate when O(include_root=true).
  returned: success
  type: str
  sample: |
    -----BEGIN CERTIFICATE-----
    MIIE...
    -----END CERTIFICATE-----
    -----BEGIN CERTIFICATE-----
    MIIF...
    -----END CERTIFICATE-----
serial_number:
  description: Serial number of the certificate, hexadecimal.
  returned: success
  type: str
  sample: 0A1B2C3D4E5F60718293A4B5C6D7E8F9
dns_names:
  description: DNS names that the certificate covers.
  returned: success
  type: list
  elements: str
  sample: [www.example.com]
not_before:
  description: When the certificate's validity begins (UTC, ISO 8601).
  returned: success
  type: str
  sample: "2026-11-23T00:00:00+00:00"
not_after:
  description: When the certificate expires (UTC, ISO 8601).
  returned: success
  type: str
  sample: "2027-06-10T23:59:59+00:00"
dcv_random_value:
  description: Value to publish instead of a request token so that a pending order is validated.
  returned: when CertCentral gave one
  type: str
  sample: 8f2c5a0d4b7e4f0fb0a1c2d3e4f50617
backup_files:
  description: Copies that were made of replaced files.
  returned: success
  type: list
  elements: str
  sample: [/etc/ssl/www.example.com.pem.4711.2026-11-23@10:00:00~]
code:
  description: Error code of the API.
  returned: failure, when the answer had one
  type: str
  sample: not_found|product
"""

import typing as t

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.community.digicert.plugins.module_utils._certificate_module import CertificateWork
from ansible_collections.community.digicert.plugins.module_utils._certificates import CRYPTOGRAPHY_IMPORT_ERROR
from ansible_collections.community.digicert.plugins.module_utils._module import connection_argument_spec, run
from ansible_collections.community.digicert.plugins.module_utils._module_files import FileModule


def argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the argument spec."""
    return {
        **connection_argument_spec(),
        "csr": {"type": "path"},
        # A private key passed by mistake must not get into the log before it can be refused.
        "csr_content": {"type": "str", "no_log": True},
        "common_name": {"type": "str"},
        "dns_names": {"type": "list", "elements": "str"},
        "product": {"type": "str", "default": "ssl_dv_geotrust_flex"},
        "dcv_method": {"type": "str", "choices": ["http-token", "dns-txt-token"], "default": "http-token"},
        "use_auth_key": {"type": "bool", "default": True, "no_log": False},
        "csr_format": {"type": "str", "choices": ["base64", "pem"], "default": "base64"},
        "order_validity": {
            "type": "dict",
            "options": {
                "years": {"type": "int"},
                "days": {"type": "int"},
                "custom_expiration_date": {"type": "str"},
            },
        },
        "cert_validity_days": {"type": "int"},
        "container_id": {"type": "int"},
        "payment_method": {"type": "str"},
        "skip_approval": {"type": "bool", "default": True},
        "comments": {"type": "str"},
        "custom_fields": {
            "type": "list",
            "elements": "dict",
            "options": {
                "metadata_id": {"type": "int", "required": True},
                "value": {"type": "str", "required": True},
            },
        },
        "renewal_of_order_id": {"type": "int"},
        "additional_fields": {"type": "dict"},
        "path": {"type": "path"},
        "chain_path": {"type": "path"},
        "full_chain_path": {"type": "path"},
        "include_root": {"type": "bool", "default": False},
        "backup": {"type": "bool", "default": False},
        "remaining_days": {"type": "int", "default": 30},
        "force": {"type": "bool", "default": False},
        "order_id": {"type": "int"},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
    }


def main() -> None:
    """Run the module."""
    module = FileModule(
        argument_spec=argument_spec(),
        add_file_common_args=True,
        mutually_exclusive=[("csr", "csr_content")],
        required_one_of=[("csr", "csr_content")],
        supports_check_mode=True,
    )
    if CRYPTOGRAPHY_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("cryptography >= 3.3"), exception=CRYPTOGRAPHY_IMPORT_ERROR)
    work = CertificateWork(module)
    run(module, work.result, work.known)


if __name__ == "__main__":
    main()
