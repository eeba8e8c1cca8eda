# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the simulator from a shell: ``python -m tests.simulator``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from pathlib import Path

from .rate_limit import DEFAULT_LIMITS, Limit
from .simulator import Simulator


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    options = _parser().parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    simulator = Simulator(
        https_port=options.https_port,
        http_port=options.http_port,
        directory=options.directory,
        limits=options.limit or DEFAULT_LIMITS,
        retry_after=options.retry_after,
        certificate=options.certificate,
        log_file=options.log,
    )
    with simulator:
        print(_banner(simulator), flush=True)
        if options.json:
            _write_whole(options.json, json.dumps(simulator.facts, indent=2) + "\n")
        stopped.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description="A CertCentral stand-in on loopback."
    )
    parser.add_argument("--https-port", type=int, default=0, metavar="PORT", help="default: any free port")
    parser.add_argument("--http-port", type=int, default=0, metavar="PORT", help="default: any free port")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="for the CA and certificates; default: temporary")
    parser.add_argument(
        "--limit",
        type=_limit,
        action="append",
        metavar="REQUESTS/SECONDS",
        help="rate limit per API key, repeatable; default: 1000/180 and 100/5",
    )
    parser.add_argument("--retry-after", action="store_true", help="send Retry-After when the rate limit is exceeded")
    parser.add_argument("--certificate", choices=["valid", "expired", "wrong-host"], default="valid")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append every request as a JSON line")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write URLs, CA file and keys there once ready")
    return parser


def _limit(text: str) -> Limit:
    requests, _, seconds = text.partition("/")
    return Limit(int(requests), float(seconds))


def _banner(simulator: Simulator) -> str:
    keys = "\n".join(f"  {role:<12} {key}" for role, key in simulator.keys.items())
    return f"""\
HTTPS  {simulator.url}
HTTP   {simulator.http_url}
CA     {simulator.ca_file}
API keys by role:
{keys}

export DIGICERT_API_URL={simulator.url}
export DIGICERT_API_KEY={simulator.keys["full"]}
(and "ca_path: {simulator.ca_file}" in the tasks, or the HTTP URL)
"""


def _write_whole(file: Path, text: str) -> None:
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)


if __name__ == "__main__":
    main()
