# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this simulator does where the API page does not say, in one place so that it is easy to change.

Requests (section 1)
  - Checks come in this order: well-formed, API key, rate limit, route, permission. So a refused key does not count
  against the rate limit, and an unknown route does. - POST and PUT need ``Content-Length``. - An unknown method of a
  known route is ``not_found|route``, like an unknown route. - A key with the role "orders" reads everything and changes
  orders and certificates, but no AuthKeys. The role
    "requester" may not skip an approval; only "full" approves requests and revokes without an approval.
  - If a fault responds instead of the API, the request does not count against the rate limit.
  - Rate limits follow the simulated clock.

AuthKeys (section 2)
  - "In use", "exactly one" and "several" count active keys only.
  - ``DELETE /account/auth-key`` mirrors the GET: it deletes the one active key, and refuses with 400 when there are
    several.
  - ``{days}`` that is not an integer is not a route (404); below 1, or with an expiry beyond the year 9999, it is a bad
    request (400). A body is ignored.
  - An expired or deactivated key stays readable by id until it is deleted.
  - Deleting answers 204 without a body.

Request tokens and validation (section 3)
  - A domain is proven by a token of the AuthKey that the order names, else of the permanent one, at the time of
  validation; or by the random value of the order or reissue. - TXT records are looked up at ``_dnsauth.`` of the
  domain, at the domain, and likewise at each parent with two or more labels. The strings of a record are separated by
  quotes and a space. - A domain with two labels is registrable. - The validator's year is the year in UTC.

Orders (section 4)
  - ``common_name``, ``csr``, ``order_validity`` and ``dcv_method`` are required. Of the rest the documented fields must
    have the right type; null is not a type; unknown fields are ignored.
  - Checks come in this order: product, types, CSR, validity, names, ``dcv_method``, AuthKey, approval, renewed order.
  - An ``auth_key_id`` that is unknown, inactive or expired is ``invalid_value:auth_key_id``; it is checked only with
    ``use_auth_key``. Without it and without a permanent key: ``auth_key_not_setup``, whatever expiring keys there are.
  - ``rapidssl`` and ``geotrust`` products want a wildcard as common name when their identifier starts with
    ``wildcard_``, and none otherwise. Any number of names is accepted.
  - RSA keys have 2048 bits or more; EC keys of any curve are fine. Certificates are signed with ECDSA and SHA-256 for
  any ``signature_hash``. - An order has a validity of at most 3 years of 365 days, to the second. The unused time of a
  renewed order is added, unless the customer chose the last day. The certificate starts at the second of issuance. -
  The day in 2027 and 2029 from which certificates are shorter is the day of 2026: 24 February. - Several orders may
  have one ``alternative_order_id``. - An order without ``use_auth_key`` is pending until a ``check-dcv`` or the
  service's own check proves its domains. - Order info shows the CSR as it was sent, and what it says of the certificate
  only once that is issued. In info and
    rows ``dns_names`` has the common name too. It is about the primary certificate, the one issued last.
  - The list is newest first unless sorted, and refuses parameters it does not know. A filter wants the exact value, a
    date also ``>``, ``<`` or ``from...to``; that of the serial number knows primary certificates only.
  - ``check-dcv`` of an order without a pending request returns its state and does not check anything.
  - Downloading before issuance is ``not_found|certificate``. ``DOWNLOAD_FORMATS`` has the formats. A client
    that accepts ``application/zip`` and nothing else gets the same as an archive of PEM files.
  - ``GET /certificate/{certificate_id}``, which clients call, shows one certificate as the list of reissues does.

Order life (sections 5 to 7)
  - A successor makes the old order ``is_renewed`` from its placing on, unless it is canceled or rejected; the successor
    has the old id as ``renewed_order_id``.
  - Automatic reissues and renewals have the same CSR and wait for the random value.
  - A reissue without ``dcv_method`` keeps that of the order. An order that is not ``issued``, or has ended, is not
    reissued, so there is one pending reissue at most.
  - Names are lost when a reissue lacks one that any earlier certificate of the order has, or changes the common name;
    the earlier ones are revoked 72 hours after its issuance.
  - A canceled reissue leaves the list of reissues; the list is newest first.
  - Revoking certificates leaves the order ``issued``, whichever they are; revoking the order makes it ``revoked``.
    ``skip_approval`` with a key that may not is 403. Without a body the approval of an administrator is awaited.
"""

from __future__ import annotations

from datetime import timedelta

# Error codes that are not on the API page.
CODE_MISSING_API_KEY = "access_denied|missing_api_key"
CODE_SEVERAL_AUTH_KEYS = "auth_key_id_required"
CODE_INVALID_DAYS = "invalid_validity_days"
CODE_INVALID_NAME = "invalid_dns_name"
CODE_INVALID_VALIDITY = "invalid_validity"
CODE_INVALID_DCV_METHOD = "invalid_dcv_method"
ALREADY_REVOKED = "certificate_already_revoked"
CANNOT_BE_REVOKED = "order_cannot_be_revoked"
CANNOT_BE_REISSUED = "order_cannot_be_reissued"
CANNOT_BE_CANCELED = "order_cannot_be_canceled"
SAME_CSR = "csr_already_used"
# Codes of the API page, with their meaning here.
CODE_INVALID_API_KEY = "access_denied|access_denied_invalid_key"
CODE_MISSING_PERMISSION = "access_denied|missing_permission"
CODE_INVALID_CSR = "csr_invalid_cannot_parse"
CODE_CERTIFICATE_OUTLIVES_ORDER = "cert_validity_exceeds_order_validity"
CODE_INVALID_AUTH_KEY_ID = "invalid_value:auth_key_id"
CODE_REISSUE_REFUSED = "invalid_value:use_auth_key"
CODE_INVALID_RENEWAL = "invalid_value:renewal_of_order_id"
CODE_INVALID_REASON = "invalid_value:revocation_reason"
CODE_INVALID_STATUS = "invalid_value:status"
CODE_NOTE_REQUIRED = "invalid_value:note"
REQUEST_PROCESSED = "request_already_processed"

CONTENT_LENGTH_METHODS = frozenset({"POST", "PUT"})
DELETED_STATUS = 204
YEAR = timedelta(days=365)
LONGEST_ORDER = 3 * YEAR
SMALLEST_RSA_KEY = 2048
RANDOM_VALUE_LIFE = timedelta(days=30)
REVOKED_AFTER = timedelta(hours=72)
AUTO_REISSUE_BEFORE = timedelta(days=30)
AUTO_RENEW_BEFORE = timedelta(days=30)
RENEWAL_WINDOW = (timedelta(days=90), timedelta(days=1))
# Added to the id of a primary certificate where the list of reissues repeats it.
REPEATED_ID = 1_000_000_000
