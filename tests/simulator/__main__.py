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
from typing import get_args

from .behaviour import OrderBehaviour, Validation
from .dcv import DcvTargets
from .rate_limit import DEFAULT_LIMITS, Limit
from .simulator import CertificateKind, Simulator


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = _parser()
    options = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_ignored: stopped.set())
    try:
        simulator = _simulator(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    with simulator:
        print(_banner(simulator), flush=True)
        if options.json:
            _write_whole(options.json, json.dumps(simulator.facts, indent=2) + "\n")
        stopped.wait()


def _simulator(options: argparse.Namespace) -> Simulator:
    return Simulator(
        https_port=options.https_port,
        http_port=options.http_port,
        directory=options.directory,
        limits=options.limit or DEFAULT_LIMITS,
        retry_after=options.retry_after,
        dcv_targets=_targets(options.dcv_http, options.dcv_dns),
        order_behaviour=OrderBehaviour(validation=options.validation),
        certificate=options.certificate,
        log_file=options.log,
    )


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
    parser.add_argument(
        "--dcv-http",
        action="append",
        default=[],
        metavar="[DOMAIN=]HOST:PORT",
        help="web server asked for http-tokens, of all domains or of one; repeatable; default: 127.0.0.1:80",
    )
    parser.add_argument(
        "--dcv-dns",
        default="127.0.0.1:53",
        metavar="IP:PORT",
        help="DNS server asked for dns-txt-tokens; default: %(default)s",
    )
    parser.add_argument(
        "--validation", choices=get_args(Validation), default="every_order", help="of domains; default: %(default)s"
    )
    parser.add_argument(
        "--certificate",
        choices=get_args(CertificateKind),
        default="valid",
        help="of the HTTPS server; default: %(default)s",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="append every request as a JSON line")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write URLs, CA file and keys there once ready")
    return parser


def _limit(text: str) -> Limit:
    requests, _ignored, seconds = text.partition("/")
    return Limit(int(requests), float(seconds))


def _targets(http: list[str], dns: str) -> DcvTargets:
    by_domain = dict(item.split("=", 1) for item in http if "=" in item)
    everywhere = [item for item in http if "=" not in item] or [DcvTargets.http]
    return DcvTargets(http=everywhere[-1], http_by_domain=by_domain, dns=dns)


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
export REQUESTS_CA_BUNDLE={simulator.ca_file}
"""


def _write_whole(file: Path, text: str) -> None:
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)


if __name__ == "__main__":
    main()
