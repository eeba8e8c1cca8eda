# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Route 53 for tests: moto's server on a free port of loopback, which also records changes.

Runs as a program of its own, `python -m tests.support.route53 LOG`, with the packages of requirements/providers.txt. It
prints its port, and writes the body of each change to LOG, one JSON text a line.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import typing as t
from pathlib import Path

HOST = "127.0.0.1"


class Recorder:
    """A WSGI application that records changes, and passes every request to another one."""

    def __init__(self, application: t.Any, log: Path) -> None:
        """Take the application, and where to write."""
        self._application = application
        self._log = log

    def __call__(self, environ: dict[str, t.Any], start_response: t.Any) -> t.Any:
        """Answer one request."""
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].rstrip("/").endswith("/rrset"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(body.decode()) + "\n")
        return self._application(environ, start_response)


def main() -> None:
    """Serve until killed."""
    # Neither is where types are checked.
    moto, werkzeug = importlib.import_module("moto.server"), importlib.import_module("werkzeug.serving")
    application = Recorder(moto.DomainDispatcherApplication(moto.create_backend_app), Path(sys.argv[1]))
    server = werkzeug.make_server(HOST, 0, application, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
