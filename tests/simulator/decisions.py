# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this simulator does where the API page is silent, in one place so that it is easy to change.

Requests (section 1)
  - Checks come in this order: well-formed, API key, rate limit, route, permission. So a refused key uses up nothing,
    and an unknown route does count against the rate limit.
  - ``User-Agent`` is demanded of every request, ``Content-Length`` of POST and PUT.
  - A method a known route does not have is ``not_found|route``, like an unknown route.
  - A key with the role "orders" reads everything and changes orders and certificates, but no AuthKeys.
  - A request that a fault answers in place of the API never reached it: it uses up no rate limit.

AuthKeys (section 2)
  - "In use", "exactly one" and "several" count active keys only.
  - ``DELETE /account/auth-key`` mirrors the GET: it deletes the one active key, and refuses with 400 when there are
    several.
  - ``{days}`` that is not an integer is no route (404); below 1, or with an expiry beyond the year 9999, it is a bad
    request (400). A body is ignored.
  - An expired or deactivated key stays readable by id until it is deleted.
  - Deleting answers 204 without a body.

Request tokens and validation (section 3)
  - A token made with any active AuthKey of the account proves a domain; so does the order's random value.
  - TXT records are looked for at the domain and at each parent with two or more labels, and below ``_dnsauth.`` of
    each of them.
  - The file must be there with status 200; redirects are not followed.

Orders (section 4)
  - ``common_name``, ``dns_names`` (maybe an empty list), ``csr``, ``order_validity`` and ``dcv_method`` are required.
    Of the rest the documented fields must have the right type; null is not a type; unknown fields are ignored.
  - Checks come in this order: product, types, CSR, validity, names, ``dcv_method``, AuthKey, renewed order.
  - ``rapidssl`` and ``geotrust`` products want a wildcard as common name when their identifier starts with
    ``wildcard_``, and none otherwise. Any number of names is accepted.
  - RSA keys have 2048 bits or more; EC keys of any curve are fine. Certificates are signed with ECDSA and SHA-256
    whatever ``signature_hash`` says.
  - An order has a validity of at most 3 years of 365 days. The certificate starts at the second of issuance.
  - An order without ``use_auth_key`` is pending until a ``check-dcv`` proves its domains; nothing else looks at them.
  - Order info shows the CSR as it was sent, and what it says of the certificate only once that is issued. In info and
    rows ``dns_names`` has the common name too.
  - The list is newest first unless sorted, sorts by ``date_created`` only, and refuses parameters it does not know. A
    filter wants the exact value.
  - ``check-dcv`` of an order that is not pending tells its state and checks nothing.
  - Downloading before issuance is ``not_found|certificate``. ``pem_all`` and ``pem_noroot`` are the only formats.
  - A revocation takes effect at once and needs no body; a second one is a bad request.
"""

from __future__ import annotations

from datetime import timedelta

# Error codes the API page does not give.
CODE_INVALID_API_KEY = "access_denied|invalid_api_key"
CODE_SEVERAL_AUTH_KEYS = "auth_key_id_required"
CODE_INVALID_DAYS = "invalid_validity_days"
CODE_INVALID_CSR = "invalid_csr"
CODE_INVALID_NAME = "invalid_dns_name"
CODE_INVALID_VALIDITY = "invalid_validity"
CODE_INVALID_DCV_METHOD = "invalid_dcv_method"
CODE_ALREADY_REVOKED = "certificate_already_revoked"

CONTENT_LENGTH_METHODS = frozenset({"POST", "PUT"})
DELETED_STATUS = 204
YEAR = timedelta(days=365)
LONGEST_ORDER = 3 * YEAR
SMALLEST_RSA_KEY = 2048
DEFAULT_PAGE = 1000
