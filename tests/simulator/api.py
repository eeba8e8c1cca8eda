# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulated API as a Flask application: the checks for every request (section 1), and its calls."""

from __future__ import annotations

from typing import cast

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from .accounts import ApiKey, find_api_key
from .auth_key_calls import auth_key_calls
from .certificate_calls import certificate_calls
from .decisions import (
    CODE_INVALID_API_KEY,
    CODE_MISSING_API_KEY,
    CODE_MISSING_PERMISSION,
    CONTENT_LENGTH_METHODS,
)
from .errors import ApiError, bad_request, not_found
from .order_calls import order_calls
from .order_reads import order_reads
from .request_log import BASE_PATH
from .state import State

STATE = "simulator.state"


def create_api() -> Flask:
    """Return the application; each request's WSGI environment must hold a ``State`` under ``STATE``."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.before_request(_admit)
    app.register_error_handler(ApiError, _error_answer)
    app.register_error_handler(NotFound, _no_route)
    app.register_error_handler(MethodNotAllowed, _no_route)
    for calls in (auth_key_calls, order_calls, order_reads, certificate_calls):
        app.register_blueprint(calls, url_prefix=BASE_PATH)
    return app


def _admit() -> None:
    state = cast(State, request.environ[STATE])
    _check_well_formed()
    api_key = _authenticate()
    state.limiter.admit(api_key.role)
    if request.routing_exception is not None:
        raise request.routing_exception
    if request.method not in ("GET", "HEAD") and not _may_change(api_key):
        raise ApiError(403, CODE_MISSING_PERMISSION, "The API key lacks the permission for this call.")
    g.state = state
    g.api_key = api_key
    g.account = state.accounts[api_key.account]


def _may_change(api_key: ApiKey) -> bool:
    area = "auth_keys" if request.blueprint == auth_key_calls.name else "orders"
    return area in api_key.may_change


def _check_well_formed() -> None:
    if request.method in CONTENT_LENGTH_METHODS and not request.headers.get("Content-Length", "").isdecimal():
        raise bad_request("The request has no Content-Length.")


def _authenticate() -> ApiKey:
    value = request.headers.get("X-DC-DEVKEY", "")
    if not value:
        raise ApiError(401, CODE_MISSING_API_KEY, "The API key is missing.")
    api_key = find_api_key(value)
    if api_key is None:
        raise ApiError(403, CODE_INVALID_API_KEY, "The API key is invalid.")
    return api_key


def _error_answer(error: ApiError) -> tuple[Response, int, dict[str, str]]:
    answer = jsonify({"errors": [{"code": error.code, "message": error.message}]})
    return answer, error.status, error.headers


def _no_route(_error: Exception) -> tuple[Response, int, dict[str, str]]:
    return _error_answer(not_found("route"))
