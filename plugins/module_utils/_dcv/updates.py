# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Dynamic updates of TXT records (RFC 2136), signed with TSIG (RFC 8945)."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._dcv.name_servers import NameServer, load_dnspython
from ansible_collections.community.digicert.plugins.module_utils._dcv.time_limits import TimeLimit

LONGEST_TRY = {False: 3.0, True: 10.0}  # seconds for one address, over UDP and over TCP
ADVICE = {
    "NOTAUTH": "the server is not responsible for the zone {zone}, or does not know the TSIG key {key}",
    "NOTZONE": "the record is not in the zone {zone}",
    "REFUSED": "the server does not permit this with the TSIG key {key}; check its policy for updates and queries",
    "SERVFAIL": "the server has an internal problem; check its log",
    "NOTIMP": "the server does not accept dynamic updates",
    "BADKEY": "the server does not know the TSIG key {key}, or knows it with another algorithm",
    "BADSIG": "the secret of the TSIG key {key} is not the one that the server has",
    "BADTIME": "the clocks of this machine and of the server differ too much",
}
TSIG_ERRORS = {"PeerBadSignature": "BADSIG", "PeerBadTime": "BADTIME", "BadTime": "BADTIME"}  # the rest is BADKEY


class NoAnswerError(DigicertError):
    """There was no usable answer; an update may have been carried out."""


class Record(t.NamedTuple):
    """What to update: names without a dot at the end, the text, and the time to live in seconds."""

    name: str
    zone: str
    text: str
    ttl: int


class Key(t.NamedTuple):
    """A TSIG key; the secret is base64."""

    name: str
    secret: str
    algorithm: str


class Primary:
    """A primary name server."""

    def __init__(self, server: NameServer, key: Key | None, limit: TimeLimit) -> None:
        """Use this server, sign with this key if there is one, all within the limit."""
        self._dns = load_dnspython()
        self._server = server
        self._key = key
        self._limit = limit
        self._udp_is_lost = False

    def find_zone(self, record: str) -> str:
        """Return the zone that a name is in; raises DigicertError."""
        name = self._dns.name.from_text(record)
        while len(name) > 1:
            response = self._ask(self._dns.message.make_query(name, "SOA"), f"find the zone of {record}")
            kinds = {(one.name, one.rdtype) for one in response.answer}
            if (name, self._dns.rdatatype.SOA) in kinds:
                return str(name.to_text(omit_final_dot=True))
            name = name.parent()
        raise DigicertError(
            f"The name server {self._server.shown} does not have the zone of {record}. Set zone, or use another server."
        )

    def texts(self, record: Record) -> list[str]:
        """Return the TXT records at a name, a line for each string of one; raises DigicertError."""
        name = self._dns.name.from_text(record.name)
        purpose = f"read the TXT records at {record.name}"
        response = self._ask(self._dns.message.make_query(name, "TXT", use_edns=0, payload=1232), purpose)
        found: list[str] = []
        for rrset in response.answer:
            if rrset.name == name and rrset.rdtype == self._dns.rdatatype.CNAME:
                target = printable(rrset[0].target.to_text(omit_final_dot=True), 100)
                raise DigicertError(
                    f"{record.name} is a CNAME to {target}, so it cannot have a TXT record. Publish the value there."
                )
            if rrset.name == name and rrset.rdtype == self._dns.rdatatype.TXT:
                found += ["\n".join(part.decode("latin-1") for part in one.strings) for one in rrset]
        return found

    def update(self, record: Record, present: bool) -> None:
        """Add or delete one text; raises DigicertError, NoAnswerError when it may have been carried out."""
        dns = self._dns
        message = dns.update.UpdateMessage(dns.name.from_text(record.zone))
        data = dns.rdata.from_text("IN", "TXT", f'"{_quoted(record.text)}"')
        if present:
            message.add(dns.name.from_text(record.name), record.ttl, data)
        else:
            message.delete(dns.name.from_text(record.name), data)
        verb = "publish" if present else "remove"
        # Some time is left to check the result of an update without an answer.
        limit = self._limit.share(1, self._limit.left * 0.7)
        self._ask(message, f"{verb} the TXT record {record.name}", limit, record.zone)

    def _ask(self, message: t.Any, purpose: str, limit: TimeLimit | None = None, zone: str = "") -> t.Any:
        """Return the response to a message; raises DigicertError, NoAnswerError if there was none.

        Every message may be sent again: adding or deleting one record twice is the same as doing it once.
        """
        where = f"Cannot {purpose} at the name server {self._server.shown}: "
        if self._key is not None:
            # Queries too, because the answer can depend on the key.
            ring = self._dns.tsigkeyring.from_text({self._key.name: self._key.secret})
            # The algorithm of the oldest key type has a longer name (RFC 8945, 6).
            kind = "HMAC-MD5.SIG-ALG.REG.INT" if self._key.algorithm == "hmac-md5" else self._key.algorithm
            message.use_tsig(ring, algorithm=self._dns.name.from_text(kind))
        silence = "it does not answer in time"
        faults = []
        protocols = (True,) if self._udp_is_lost else (False, True)
        ways = [(address, over_tcp) for over_tcp in protocols for address in self._server.addresses]
        for number, (address, over_tcp) in enumerate(ways):
            part = (limit or self._limit).share(len(ways) - number, LONGEST_TRY[over_tcp])
            try:
                response = self._exchange(message, address, over_tcp, max(0.05, part.left))
            except (self._dns.tsig.PeerError, self._dns.tsig.BadTime) as exc:
                raise DigicertError(where + self._advice(TSIG_ERRORS.get(type(exc).__name__, "BADKEY"), zone)) from None
            except self._dns.exception.Timeout:
                faults.append(silence)
            except OSError as exc:
                faults.append(printable(exc.strerror or "the connection failed", 60).lower())
            except (self._dns.exception.DNSException, EOFError, ValueError):
                faults.append("its answer cannot be read, or is not signed correctly")
                response = self._unsigned_error(message, address, part)
                if response is not None:
                    return self._checked(response, where, zone)
            else:
                self._udp_is_lost = over_tcp
                return self._checked(response, where, zone)
        # A closed port refuses TCP connections, but does not answer over UDP.
        reasons = [fault for fault in faults if fault != silence] or faults or ["it has no address"]
        raise NoAnswerError(f"{where}{reasons[0]}. Check server, port, and firewalls.")

    def _exchange(self, message: t.Any, address: str, over_tcp: bool, seconds: float) -> t.Any:
        query, port = self._dns.query, self._server.port
        if over_tcp:
            return query.tcp(message, address, timeout=seconds, port=port)
        response, _tcp = query.udp_with_fallback(message, address, timeout=seconds, port=port, ignore_unexpected=True)
        return response

    def _unsigned_error(self, message: t.Any, address: str, limit: TimeLimit) -> t.Any:
        """Return a response that has an error code and no signature, which newer dnspython versions raise for, or None.

        Servers that do not know the zone answer like this.
        """
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(max(0.05, min(2.0, limit.left)))
            try:
                asking.connect((address, self._server.port))
                asking.send(message.to_wire())
                response = self._dns.message.from_wire(asking.recv(65535))
            except (OSError, self._dns.exception.DNSException, EOFError, ValueError):
                return None
        is_error = response.id == message.id and response.rcode() != self._dns.rcode.NOERROR
        return response if is_error else None

    def _checked(self, response: t.Any, where: str, zone: str) -> t.Any:
        word = self._dns.rcode.to_text(response.rcode())
        if word != "NOERROR" and (word != "NXDOMAIN" or zone):
            raise DigicertError(where + self._advice(word, zone))
        if self._key is not None and not response.had_tsig:
            raise DigicertError(
                f"{where}its answer is not signed, so it may be forged. Check that server is the right name server."
            )
        return response

    def _advice(self, word: str, zone: str) -> str:
        key = self._key.name if self._key is not None else "(none was given)"
        advice = ADVICE.get(word)
        return f"{word}." if advice is None else f"{word}, {advice.format(zone=zone or '(not known yet)', key=key)}."


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
