# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulated API as a Flask application: the checks every request passes (section 1), and its calls."""

from __future__ import annotations

from typing import cast

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from .accounts import ApiKey, find_api_key
from .auth_key_calls import auth_key_calls
from .decisions import CODE_INVALID_API_KEY, CONTENT_LENGTH_METHODS
from .errors import ApiError, bad_request, not_found
from .order_calls import order_calls
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
    app.register_blueprint(auth_key_calls, url_prefix=BASE_PATH)
    app.register_blueprint(order_calls, url_prefix=BASE_PATH)
    return app


def _admit() -> None:
    state = cast(State, request.environ[STATE])
    _check_well_formed()
    api_key = _authenticate()
    state.limiter.admit(api_key.role)
    if request.routing_exception is not None:
        raise request.routing_exception
    if request.method not in ("GET", "HEAD") and request.blueprint not in api_key.may_change:
        raise ApiError(403, "access_denied|missing_permission", "The API key lacks the permission for this call.")
    g.state = state
    g.account = state.accounts[api_key.account]


def _check_well_formed() -> None:
    if not request.headers.get("User-Agent"):
        raise bad_request("The request has no User-Agent.")
    if request.method in CONTENT_LENGTH_METHODS and not request.headers.get("Content-Length", "").isdecimal():
        raise bad_request("The request has no Content-Length.")


def _authenticate() -> ApiKey:
    api_key = find_api_key(request.headers.get("X-DC-DEVKEY", ""))
    if api_key is None:
        raise ApiError(401, CODE_INVALID_API_KEY, "The API key is missing or invalid.")
    return api_key


def _error_answer(error: ApiError) -> tuple[Response, int, dict[str, str]]:
    answer = jsonify({"errors": [{"code": error.code, "message": error.message}]})
    return answer, error.status, error.headers


def _no_route(_error: Exception) -> tuple[Response, int, dict[str, str]]:
    return _error_answer(not_found("route"))
