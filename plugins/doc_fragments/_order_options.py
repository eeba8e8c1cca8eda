# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Options that say what is ordered: the body of the order, in section 4 of the API page."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the options that `_issuance/request` in `module_utils` makes an order or a reissue from."""

    DOCUMENTATION = r"""
options:
  common_name:
    description:
      - Common name of the certificate, a DNS name or a wildcard.
      - If not set, the common name in the CSR is used, or else its first DNS name.
      - Names with characters outside ASCII are converted to A-labels (C(xn--...)).
    type: str
  dns_names:
    description:
      - DNS names of the certificate besides O(common_name), which may be repeated here.
      - If not set, the module uses those of the CSR, and refuses a CSR that also asks for names of other types, such as
        IP addresses.
    type: list
    elements: str
  product:
    description:
      - Product to order, an identifier of CertCentral, for example V(ssl_dv_rapidssl) or V(wildcard_dv_geotrust).
      - The default covers any mix of names and wildcards.
    type: str
    default: ssl_dv_geotrust_flex
  dcv_method:
    description:
      - How you prove control of the domains.
      - With V(http-token), DigiCert looks for the file C(/.well-known/pki-validation/fileauth.txt) on each name. This
        cannot prove wildcards.
      - With V(dns-txt-token), DigiCert looks for a TXT record at the domain, at C(_dnsauth) below it, or at a parent
        domain.
    type: str
    choices: [http-token, dns-txt-token]
    default: http-token
  use_auth_key:
    description:
      - Whether DigiCert looks for a request token made with the account's AuthKey when the order is placed.
      - With V(false), the order waits until the random value in RV(dcv_random_value) is published. Use O(wait=false),
        publish the value, and run the task again.
    type: bool
    default: true
  auth_key_id:
    description:
      - Id of the AuthKey that the request token was made with.
      - Required for an AuthKey that expires. Without it, CertCentral checks the token against the permanent AuthKey and
        does not accept it.
    type: str
    version_added: 0.3.0
  csr_format:
    description:
      - Form in which the module sends the CSR. It must be the form that the request token was made for.
      - V(base64) is its body on one line, V(pem) the text as it is, and V(pem_line), since version 0.3.0, the text with
        its BEGIN and END lines but without line breaks.
    type: str
    choices: [base64, pem, pem_line]
    default: base64
  order_validity:
    description:
      - How long the order is valid. Set exactly one suboption. If not set, the order is valid for one year.
      - A certificate is valid for less time, at most 199 days, 99 days from early 2027, and 46 days from early 2029.
        The module reissues it within the same order, free of charge.
    type: dict
    suboptions:
      years:
        description: Years from now, at least V(1).
        type: int
      days:
        description: Days from now, at least V(1).
        type: int
      custom_expiration_date:
        description: Last day, in the form V(2027-01-31).
        type: str
  cert_validity_days:
    description:
      - Days that the certificate is valid. It cannot be valid longer than the order. If not set, CertCentral decides.
    type: int
  container_id:
    description:
      - Id of the container (division) of the account to place the order in.
    type: int
  payment_method:
    description:
      - How the order is paid, for example V(balance). If not set, the account's setting is used.
    type: str
  skip_approval:
    description:
      - Whether to skip the approval step of the account. With V(false), the order can end as C(needs_approval),
        and the task fails until somebody approves the order in CertCentral.
    type: bool
    default: true
  comments:
    description:
      - Comment for the people who look at the order.
    type: str
  custom_fields:
    description:
      - Values for the custom order fields of the account.
    type: list
    elements: dict
    suboptions:
      metadata_id:
        description: Id of the field.
        type: int
        required: true
      value:
        description: Value of the field.
        type: str
        required: true
  renewal_of_order_id:
    description:
      - Id of the order that a new order renews. If not set, the module uses the order of the installed certificate,
        from 90 days to one day before that order ends.
    type: int
  additional_fields:
    description:
      - More fields for the body of the order, with the names of the API's documentation. A reissue contains only those
        below C(certificate).
      - The module merges dictionaries with those that it sends. Other values replace them.
      - The module refuses fields that one of its options sets.
    type: dict
"""
