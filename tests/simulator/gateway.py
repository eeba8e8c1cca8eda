# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway in front of the API: the request log, the faults, and the route to the control plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.wrappers import Request, Response

from .api import STATE, create_api
from .faults import Fault
from .later import Later
from .request_log import RequestLog, api_path
from .state import State

CONTROL_PATH = "/_simulator"
_NO_FAULT = Fault()


class Gateway:
    """Answers every request of both servers."""

    def __init__(
        self,
        control: Flask,
        log: RequestLog,
        state: Callable[[], State],
        sleep: Callable[[float], object],
        later: Later,
    ) -> None:
        """Connect the parts.

        Args:
            control: the application below ``/_simulator``.
            log: where requests to the API are written.
            state: returns the state of now.
            sleep: waits for that many seconds.
            later: carries out requests after their answers.
        """
        self._api = create_api()
        self._control = control
        self._log = log
        self._state = state
        self._sleep = sleep
        self._later = later

    def answer(self, environ: dict[str, Any]) -> tuple[Response, Fault]:
        """Answer the request of a WSGI environment; the fault says how to deliver that answer."""
        request = Request(environ)
        if request.path == CONTROL_PATH or request.path.startswith(CONTROL_PATH + "/"):
            return Response.from_app(self._control, environ), _NO_FAULT
        state = environ[STATE] = self._state()
        number = self._log.open(request)
        environ["wsgi.input"].seek(0)
        fault = state.faults.take(request.method, api_path(request.path))
        response = self._handle(environ, fault or _NO_FAULT)
        status = None if fault and fault.drop else response.status_code
        self._log.settle(number, status, fault.name if fault else None)
        return response, fault or _NO_FAULT

    def _handle(self, environ: dict[str, Any], fault: Fault) -> Response:
        self._sleep(fault.delay_before)
        if fault.commit_after is not None:
            self._later.add(fault.commit_after, lambda: Response.from_app(self._api, environ))
        response = Response.from_app(self._api, environ) if fault.reaches_api else Response()
        self._sleep(fault.delay_after)
        return fault.shape(response)
