# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Name servers: which are responsible for a record, and which TXT records each of them shows.

`dnspython` is loaded when it is used. A server's answer is foreign text, so it is made printable before it is shown.
"""

from __future__ import annotations

import ipaddress
import traceback
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    MissingLibraryError,
    printable,
)
from ansible_collections.community.digicert.plugins.module_utils._dcv.time_limits import TimeLimit, resolve

_PER_QUERY = 5.0  # seconds
_ALIASES = 8  # CNAME records that are followed
_PAYLOAD = 1232  # bytes over UDP (DNS flag day 2020)


class NameServer(t.NamedTuple):
    """A name server.

    Attributes:
        name: as in the options, or in the zone.
        addresses: IP addresses.
        port: UDP and TCP port.
    """

    name: str
    addresses: tuple[str, ...]
    port: int

    @property
    def shown(self) -> str:
        """Its name and first address, for messages and results."""
        address = self.addresses[0] if self.addresses else "no address"
        return self.name if self.name == address else f"{self.name} ({address})"


class Reply(t.NamedTuple):
    """A server's answer about the TXT records at a name.

    Attributes:
        server: the server.
        texts: of each TXT record; a line for each of its strings, which are not joined.
        alias: target of a CNAME, where the texts are or would be; None without one.
        fault: why there is no answer, as the end of a sentence without a period; "" if there is one.
    """

    server: NameServer
    texts: tuple[str, ...]
    alias: str | None
    fault: str


def load_dnspython() -> t.Any:
    """Return the package `dns` with the modules that are used here; raises MissingLibraryError."""
    try:
        import dns.exception
        import dns.flags
        import dns.message
        import dns.name
        import dns.query
        import dns.rcode
        import dns.rdata
        import dns.rdatatype
        import dns.resolver
        import dns.tsig
        import dns.tsigkeyring
        import dns.update
    except ImportError:
        raise MissingLibraryError("dnspython", traceback.format_exc()) from None
    return dns


def named_server(name: str, port: int, limit: TimeLimit) -> NameServer:
    """Return the server with an IP address or a name from the options.

    Raises:
        DigicertError: the name cannot be resolved.
    """
    try:
        return NameServer(name, (str(ipaddress.ip_address(name)),), port)
    except ValueError:
        pass
    try:
        found = resolve(name, port, limit)
    except OSError:
        raise DigicertError(f"The name server {printable(name, 100)} cannot be resolved to an address.") from None
    return NameServer(printable(name, 100), tuple(str(address[0]) for _family, address in found), port)


def system_resolver(limit: TimeLimit) -> t.Any:
    """Return the resolver of this machine; raises DigicertError if it has none."""
    dns = load_dnspython()
    try:
        resolver = dns.resolver.Resolver()
    except (dns.exception.DNSException, OSError):
        raise DigicertError(
            "This machine does not have a DNS resolver in /etc/resolv.conf. Set the servers to ask in the "
            "options of the task."
        ) from None
    resolver.lifetime = max(0.1, min(2 * _PER_QUERY, limit.left))
    return resolver


def authoritative_servers(record: str, port: int, limit: TimeLimit) -> list[NameServer]:
    """Return the servers that the zone of a record names, found with the resolver of this machine.

    Raises:
        DigicertError: the zone, or an address of one of its servers, cannot be found.
    """
    dns = load_dnspython()
    name = dns.name.from_text(record)
    while len(name) > 1:
        answer = _looked_up(name, "NS", limit)
        # Below a CNAME, the answer is about another name.
        if answer is not None and answer.canonical_name == name:
            names = sorted(printable(one.target.to_text(omit_final_dot=True), 100) for one in answer)
            return [NameServer(one, _addresses(one, limit), port) for one in names]
        name = name.parent()
    raise DigicertError(f"Cannot find the DNS zone of {record}. Check the name, or set the servers to ask.")


def _addresses(name: str, limit: TimeLimit) -> tuple[str, ...]:
    found: list[str] = []
    failure: DigicertError | None = None
    for kind in ("A", "AAAA"):
        try:
            found += [one.address for one in _looked_up(load_dnspython().name.from_text(name), kind, limit) or ()]
        except DigicertError as error:
            failure = failure or error
    if not found:
        raise failure or DigicertError(f"The name server {name} has no address.")
    return tuple(found)


def _looked_up(name: t.Any, kind: str, limit: TimeLimit) -> t.Any:
    """Return the answer of this machine's resolver, None if the record does not exist; raises DigicertError."""
    dns = load_dnspython()
    shown = printable(name.to_text(omit_final_dot=True), 100)
    if limit.left <= 0:
        raise DigicertError(
            f"The time limit expired before {kind} records of {shown} could be looked up. Raise timeout."
        )
    try:
        return system_resolver(limit).resolve(name, kind)
    except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
        return None
    except dns.exception.Timeout:
        raise DigicertError(
            f"The DNS resolver of this machine does not answer for {kind} records of {shown}."
        ) from None
    except (dns.exception.DNSException, OSError):
        raise DigicertError(f"The DNS resolver of this machine fails for {kind} records of {shown}.") from None


def read_texts(record: str, find_servers: t.Callable[[str], t.Sequence[NameServer]], limit: TimeLimit) -> list[Reply]:
    """Return each server's answer about the TXT records at a name; follows CNAME records.

    Args:
        record: name of the record.
        find_servers: returns the servers to ask about a name; raises DigicertError.
        limit: for all of it.

    Raises:
        DigicertError: see `find_servers`, or CNAME records lead nowhere.
    """
    target, alias = record, None
    for _hop in range(_ALIASES):
        servers = find_servers(target)
        replies = [
            ask_texts(server, target, limit.share(len(servers) - number, 2 * _PER_QUERY))
            for number, server in enumerate(servers)
        ]
        leads = next((one.alias for one in replies if one.alias and not one.texts), None)
        if leads is None:
            return [one._replace(alias=one.alias or alias) for one in replies]
        target = alias = leads
    raise DigicertError(f"{record} leads through more than {_ALIASES} CNAME records.")


def ask_texts(server: NameServer, record: str, limit: TimeLimit) -> Reply:
    """Return one server's answer about the TXT records at a name. Raises only MissingLibraryError."""
    dns = load_dnspython()
    query = dns.message.make_query(record, "TXT", use_edns=0, payload=_PAYLOAD)
    faults = []
    for number, address in enumerate(server.addresses):
        seconds = limit.share(len(server.addresses) - number, _PER_QUERY).left
        if seconds <= 0:
            faults.append("it does not answer in time")
            break
        try:
            response, _tcp = dns.query.udp_with_fallback(
                query, address, timeout=seconds, port=server.port, ignore_unexpected=True
            )
        except dns.exception.Timeout:
            faults.append("it does not answer in time")
        except OSError as exc:
            faults.append((exc.strerror or "the connection failed").lower())
        except (dns.exception.DNSException, EOFError, ValueError):
            faults.append("its answer cannot be read")
        else:
            code = response.rcode()
            if code in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                texts, alias = _texts_in(response, dns.name.from_text(record))
                return Reply(server, texts, alias, "")
            faults.append(f"it answers {dns.rcode.to_text(code)}")
    return Reply(server, (), None, faults[0] if faults else "it has no address")


def _texts_in(response: t.Any, name: t.Any) -> tuple[tuple[str, ...], str | None]:
    """Return the TXT records in a response, and the target of CNAME records."""
    dns = load_dnspython()
    alias = None
    sets = {(one.name, one.rdtype): one for one in response.answer}
    for _hop in range(_ALIASES):
        found = sets.get((name, dns.rdatatype.TXT))
        if found is not None:
            # Joined by a line end, a token in two strings is not one, and a text before it still counts.
            return tuple("\n".join(part.decode("latin-1") for part in one.strings) for one in found), alias
        leads = sets.get((name, dns.rdatatype.CNAME))
        if leads is None:
            break
        name = leads[0].target
        alias = printable(name.to_text(omit_final_dot=True), 1100)
    return (), alias
