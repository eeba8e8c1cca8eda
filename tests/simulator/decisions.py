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
"""

from __future__ import annotations

# Error codes the API page does not give.
CODE_INVALID_API_KEY = "access_denied|invalid_api_key"
CODE_SEVERAL_AUTH_KEYS = "auth_key_id_required"
CODE_INVALID_DAYS = "invalid_validity_days"

CONTENT_LENGTH_METHODS = frozenset({"POST", "PUT"})
DELETED_STATUS = 204
