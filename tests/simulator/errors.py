# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception of the simulated API."""

from __future__ import annotations


class ApiError(Exception):
    """An answer with a 4xx status and ``{"errors": [{"code", "message"}]}`` (section 1)."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def not_found(what: str = "") -> ApiError:
    """Return the 404 of section 1; ``what`` ("route", "order", "product") refines its code."""
    return ApiError(404, f"not_found|{what}" if what else "not_found", f"The {what or 'resource'} was not found.")


def bad_request(message: str) -> ApiError:
    """Return the 400 ``bad_request_format`` of section 1 with ``message``."""
    return ApiError(400, "bad_request_format", message)
