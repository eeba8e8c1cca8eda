# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast request tokens are made, next to the bare computation, and what 1,000 of them cost a playbook.

Run `python tests/benchmark/request_tokens.py` with a PYTHONPATH that has the ansible_collections tree. The exit code is
1 when the filter makes fewer than 30,000 tokens a second, or takes more than 1.5 times as long as the bare computation.
"""

from __future__ import annotations

import hmac
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.community.digicert.plugins.filter.request_token import FilterModule
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import base36
from ansible_collections.community.digicert.plugins.test.valid_request_token import TestModule

HERE = Path(__file__).parent
VECTORS = HERE.parent / "vectors" / "request_tokens.tsv"
LEAST_A_SECOND = 30_000
LARGEST_RATIO = 1.5
ROUNDS = 25
CALLS = 1000
PLAYS = 7
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def rsa_csr() -> str:
    """Return the PEM text of the vectors' first CSR, which has a 2048-bit RSA key."""
    rows = [line.split("\t") for line in VECTORS.read_text(encoding="utf-8").splitlines()]
    return next(row[3] for row in rows if row[0] == "pem").replace("\\r", "\r").replace("\\n", "\n")


def textbook_base36(digest: bytes) -> str:
    """Return a digest in base 36 by the loop that everybody writes."""
    number = int.from_bytes(digest, "big")
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text.rjust(50, "0")


def bare(csr: bytes, key: bytes, to_base36: t.Callable[[bytes], str]) -> str:
    """Return the token for bytes that need no checks."""
    timestamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    return timestamp + to_base36(hmac.digest(key, timestamp.encode() + csr, "sha256"))


def seconds(call: t.Callable[[], object]) -> float:
    """Return how long a call takes, the mean of many, without the time that other processes take."""
    begin = time.process_time()
    for _ignored in range(CALLS):
        call()
    return (time.process_time() - begin) / CALLS


def in_process(csr: str, key: str) -> bool:
    """Measure the plugins side by side with the bare computation; return whether they are fast enough."""
    make = FilterModule().filters()["request_token"]
    valid = TestModule().tests()["valid_request_token"]
    body, secret = "".join(csr.split("-----")[2].split()).encode(), key.encode()
    now = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    token = make(csr, auth_key=key)
    ways = {
        "filter request_token": lambda: make(csr, auth_key=key),
        "filter request_token, timestamp given": lambda: make(csr, auth_key=key, timestamp=now),
        "test valid_request_token": lambda: valid(token, csr=csr, auth_key=key),
        "bare HMAC and base 36": lambda: bare(body, secret, textbook_base36),
        "bare HMAC and base 36 as the filter does it": lambda: bare(body, secret, base36),
    }
    rounds = [{name: seconds(call) for name, call in ways.items()} for _ignored in range(ROUNDS)]
    medians = {name: statistics.median(one[name] for one in rounds) for name in ways}
    print(f"In one process, Python {sys.version.split()[0]}, 2048-bit CSR, median of {ROUNDS} rounds of {CALLS}:")
    for name, median in medians.items():
        print(f"  {name:<45} {median * 1e6:6.1f} us  {1 / median:9,.0f} a second")
    ours, textbook, fastest = (list(ways)[index] for index in (0, 3, 4))
    ratio, strict = (statistics.median(one[ours] / one[other] for one in rounds) for other in (textbook, fastest))
    print(f"  filter / bare: {ratio:.2f} (limit {LARGEST_RATIO}), with the filter's own base 36: {strict:.2f}")
    return 1 / medians[ours] >= LEAST_A_SECOND and ratio <= LARGEST_RATIO


def playbook(name: str, csr_file: Path, key: str) -> float:
    """Return how many seconds a playbook takes; a playbook that fails is an error."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(HERE / name)]
    env = {**os.environ, "ANSIBLE_NOCOLOR": "true", "CSR_FILE": str(csr_file), "AUTH_KEY": key}
    begin = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begin


def in_playbook(csr: str, key: str) -> None:
    """Measure a playbook that makes 1,000 tokens next to one that does nothing."""
    with tempfile.TemporaryDirectory() as directory:
        csr_file = Path(directory, "csr")
        csr_file.write_text(csr, encoding="utf-8")
        names = ("request_tokens_empty.yml", "request_tokens_none.yml", "request_tokens_1000.yml")
        rounds = [[playbook(name, csr_file, key) for name in names] for _ignored in range(PLAYS)]
    labels = ("empty play", "one task that makes no token", "the same task with 1,000 tokens in a map")
    print(f"ansible-playbook, median (and shortest) of {PLAYS} runs:")
    for label, times in zip(labels, zip(*rounds)):
        print(f"  {label:<45} {statistics.median(times):6.2f} s ({min(times):.2f} s)")


def main() -> int:
    """Print all figures; return the exit code."""
    csr, key = rsa_csr(), "1f3870be274f6c49b3e31a0c6728957f"
    fast_enough = in_process(csr, key)
    in_playbook(csr, key)
    print("ok" if fast_enough else "FAILED: too slow")
    return 0 if fast_enough else 1


if __name__ == "__main__":
    sys.exit(main())
