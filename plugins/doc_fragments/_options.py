# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Options that every module of the collection has."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of `connection_argument_spec()` in `module_utils/_ansible/runner.py`."""

    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - API key of the CertCentral account.
      - It is sent in the header C(X-DC-DEVKEY) to the host in O(api_url) and nowhere else.
      - If not set, the module uses the environment variable E(DIGICERT_API_KEY) of the host that it runs on.
    type: str
    required: true
  api_url:
    description:
      - Base URL of the CertCentral Services API.
      - For an account on the European instance, use V(https://certcentral.digicert.eu/services/v2).
      - Must start with C(https://), unless the host is this machine itself, for example a simulator on C(127.0.0.1).
        Requests over C(http://) never go through a proxy.
      - The module does not follow redirects, because it would send the API key along.
      - If not set, the module uses the environment variable E(DIGICERT_API_URL) of the host that it runs on.
    type: str
    default: https://www.digicert.com/services/v2
  validate_certs:
    description:
      - Whether the TLS certificate of the API must be valid. Turn this off for experiments only.
    type: bool
    default: true
  ca_path:
    description:
      - File or directory with CA certificates in PEM form, on the host that runs the module. The module trusts them
        instead of those that the C(requests) library uses.
    type: path
  timeout:
    description:
      - Seconds that one HTTP exchange may take, from name resolution to the last byte of the response, at most one day.
    type: float
    default: 30
  retry_timeout:
    description:
      - Seconds to retry one API call after transient failures, such as rate limiting (HTTP 429), HTTP 502, 503,
        and 504, and broken or refused connections. V(0) means one try.
      - Waits grow from one second to thirty, and under the rate limit from five seconds to twenty. They are
        random so that many hosts spread out, and they respect C(Retry-After). If a response asks for more time than is
        left, the task fails at once.
      - The module repeats a request that may place an order or create a key only if it was certainly not carried out.
      - The module does not repeat a request that was sent but not answered within O(timeout), unless its documentation
        says so.
    type: int
    default: 300
requirements:
  - requests >= 2.25.0
"""
