# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of service, network, and TLS: how to cause it, and what the module does."""

from __future__ import annotations

import re
import typing as t

from tests.campaign.calls import Call

FOR_GOOD: t.Final = None
HTML = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
API_ERROR = {"errors": [{"code": "internal_error", "message": "An error occurred."}]}
# What a careless service could repeat; the cell's secrets replace the names.
INDISCREET = '{"debug": {"X-DC-DEVKEY": "API key", "auth_key": "AuthKey"}}'
SLOW = 0.8  # seconds that an exchange may take if the service is slower


class FaultRow(t.NamedTuple):
    """One fault.

    Attributes:
        name: what happens.
        wire: fields of the simulator's Fault; None when the fault is not the simulator's.
        relay: what the relay does to connections, and whether the client sees it as a proxy.
        certificate: what the server shows.
        words: regular expression that the message of a failure must match.
        times: how often it happens; None for good.
        endures: methods of the calls that succeed anyway.
        options: of the module.
        refusal: the service itself refuses.
    """

    name: str
    wire: dict[str, t.Any] | None = None
    relay: str | None = None
    proxied: bool = False
    certificate: t.Literal["expired", "wrong-host", "unknown-ca"] | None = None
    words: str = ""
    times: int | None = 1
    endures: str = ""
    options: t.Mapping[str, t.Any] = {}
    refusal: bool = False

    def endured_by(self, call: Call) -> bool:
        """Whether the module succeeds despite the fault."""
        if call.optional or re.fullmatch(call.shrugs, self.name):
            return True
        return call.kind in self.endures.split() or (call.repeats and self.times == 1 and not self.refusal)


ALL = "GET POST PUT DELETE CHANGE"
REPEATED = "GET POST PUT DELETE"  # revocations and cancellations are not sent again
# After a lost response to these, the module reads the result, or the loss does not matter.
LOOKED = "POST PUT DELETE"
SEEN = "POST PUT DELETE CHANGE"  # reading the result shows that it was carried out


def refusal(code: str) -> dict[str, t.Any]:
    """Return the body of a refusal by the service itself."""
    return {"errors": [{"code": code, "message": "No."}]}


LATE = "no complete (answer|response) within|no connection within"

LIMIT = refusal("request_limit_exceeded")
SERVICE = [
    FaultRow("reset before", {"drop": "reset"}, endures=REPEATED),
    FaultRow("reset after", {"drop": "reset", "commit": True}, endures=ALL),
    FaultRow("closed before", {"drop": "close"}, endures=REPEATED),
    FaultRow("closed after", {"drop": "close", "commit": True}, endures=ALL),
    FaultRow("reset for good", {"drop": "reset"}, times=FOR_GOOD, words="connection broke"),
    FaultRow("silence before", {"delay_before": 1.6}, words=LATE, endures=SEEN, options={"timeout": SLOW}),
    FaultRow("silence after", {"delay_after": 2.5}, words=LATE, endures=SEEN, options={"timeout": SLOW}),
    FaultRow("slow head", {"drip_headers": 0.1}, words=LATE, endures=SEEN, options={"timeout": SLOW}),
    FaultRow("slow body", {"drip_body": 0.1}, words=LATE, endures=SEEN, options={"timeout": SLOW}),
    FaultRow("429", {"status": 429, "body": LIMIT}, endures=ALL, options={"retry_timeout": 8}),
    FaultRow("429 with HTML", {"status": 429, "body": HTML}, endures=REPEATED, options={"retry_timeout": 8}),
    FaultRow("429 storm", {"status": 429, "body": LIMIT}, times=FOR_GOOD, words="rate limit of the API key is reached"),
    FaultRow("429 for an hour", {"status": 429, "body": LIMIT, "headers": {"Retry-After": "3600"}}, words="rate limit"),
    FaultRow("500 before", {"status": 500, "body": API_ERROR}, words="HTTP 500, internal_error", endures=LOOKED),
    FaultRow("500 after", {"status": 500, "body": HTML, "commit": True}, words="HTTP 500", endures=SEEN),
    FaultRow("500 for good", {"status": 500}, times=FOR_GOOD, words="HTTP 500"),
    FaultRow("indiscreet 500", {"status": 500, "body": INDISCREET}, words="HTTP 500", endures=LOOKED),
    FaultRow("502 HTML before", {"status": 502, "body": HTML}, endures=REPEATED),
    FaultRow("502 HTML after", {"status": 502, "body": HTML, "commit": True}, endures=ALL),
    FaultRow("502 HTML for good", {"status": 502, "body": HTML}, times=FOR_GOOD, words="HTTP 502: Bad Gateway"),
    FaultRow("503", {"status": 503}, endures=REPEATED),
    FaultRow("504 after", {"status": 504, "commit": True}, endures=ALL),
    FaultRow("HTML login before", {"body": HTML}, words="is not JSON|(holds|contains) no|not installed",
             endures=LOOKED),
    FaultRow("HTML login after", {"body": HTML, "commit": True}, words="is not JSON|not installed",
             endures=SEEN),
    FaultRow("truncated", {"keep": 30}, words="is not JSON, or is|not installed", endures=SEEN),
    FaultRow("shorter than announced", {"close_after": 30}, words="connection broke", endures=ALL),
    FaultRow("empty", {"body": "", "commit": True}, words="(holds|contains) no|not inst",
             endures=SEEN),
    FaultRow("other JSON", {"body": {"weird": [1]}, "commit": True}, words="(holds|contains) no|not inst",
             endures=SEEN),
    FaultRow("a list", {"body": [1, "2"], "commit": True}, words="(holds|contains) no|not inst",
             endures=SEEN),
    FaultRow("deep JSON", {"body": "[" * 200_000, "commit": True}, words="is not JSON|not installed",
             endures=SEEN),
    FaultRow("oversized", {"size": 17 << 20, "commit": True}, words="larger than (4|16) MiB",
             endures=SEEN),
    FaultRow("oversized, no length", {"size": 17 << 20, "headers": {"Transfer-Encoding": "chunked"}},
             words="larger than (4|16) MiB", endures=LOOKED),
    FaultRow("redirect", {"status": 302, "headers": {"Location": "https://login.example/?key=API key"}},
             words=r"redirects to https://login\.example/ .*Correct api_url", endures=LOOKED),
    FaultRow("400", {"status": 400, "body": refusal("bad_request_format")}, words="HTTP 400, bad_request_format: No",
             endures="PUT", refusal=True),
    FaultRow("400 HTML", {"status": 400, "body": HTML}, words="HTTP 400: Bad Gateway", endures=LOOKED),
    FaultRow("401", {"status": 401, "body": refusal("access_denied")}, words="API key was refused", refusal=True),
    FaultRow("403", {"status": 403, "body": refusal("access_denied|missing_permission")},
             words="API key lacks the permission", refusal=True),
    FaultRow("403 of a gateway", {"status": 403, "body": HTML}, words="other than the API answered .HTTP 403",
             endures=LOOKED),
    FaultRow("404 of a gateway", {"status": 404, "body": HTML}, words=r"not found \(HTTP 404: Bad Gateway",
             endures=LOOKED),
]  # fmt: skip

NETWORK = [
    FaultRow("refused", relay="refuse", words="no connection .Connection refused", times=FOR_GOOD),
    FaultRow("reset on connect", relay="reset", endures=ALL),
    FaultRow("TLS closed in handshake", relay="close", endures=ALL),
    FaultRow("TLS closed for good", relay="close", times=FOR_GOOD, words="connection broke"),
    FaultRow("TLS handshake hangs", relay="hang", times=FOR_GOOD, words=LATE, options={"timeout": SLOW}),
    FaultRow("plain HTTP on the TLS port", relay="plain", times=FOR_GOOD, words="TLS failed"),
    FaultRow("TLS expired", relay="none", certificate="expired", times=FOR_GOOD, words="certificate has expired"),
    FaultRow("wrong host", relay="none", certificate="wrong-host", times=FOR_GOOD, words="mismatch"),
    FaultRow("unknown CA", relay="none", certificate="unknown-ca", times=FOR_GOOD, words="ca_path"),
    FaultRow("proxy down", relay="refuse", proxied=True, times=FOR_GOOD, words="proxy cannot be used .Connection re"),
    FaultRow("proxy 502", relay="proxy 502", proxied=True, times=FOR_GOOD, words="proxy cannot be used"),
    FaultRow("proxy 502 once", relay="proxy 502", proxied=True, endures=ALL),
]

FAULTS = SERVICE + NETWORK
