# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers for the tests of the role: nginx, HAProxy, and knot, on loopback, each with its own folder."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import typing as t
from pathlib import Path

import dns.query
import dns.resolver
import dns.tsigkeyring
import dns.update
from cryptography import x509

HOST = "127.0.0.1"
LONGEST_START = 30.0  # seconds
INSTALL = "apt-get install --no-install-recommends nginx-light knot haproxy default-jre-headless"


class Server:
    """A server program in the foreground."""

    def __init__(self, directory: Path) -> None:
        """Choose a free port and create a folder; nothing runs yet."""
        self.directory = directory
        self.directory.mkdir()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens, as host:port."""
        return f"{HOST}:{self.port}"

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(LONGEST_START)

    def _start(self, *command: str) -> None:
        with (self.directory / "output").open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        give_up = time.monotonic() + LONGEST_START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise AssertionError((self.directory / "output").read_text())
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


class Nginx(Server):
    """A web server: `webroot`/<name> for each name over HTTP, and over TLS with the configured certificates."""

    def __init__(self, directory: Path) -> None:
        """Start it with an empty webroot and no certificate."""
        super().__init__(directory)
        self.webroot = directory / "webroot"
        self.webroot.mkdir()
        self.tls_port = free_port()
        self._sites: dict[str, tuple[str, str]] = {}
        self._configure()
        self._start(program("nginx"), "-p", str(directory), "-c", "nginx.conf", "-e", "error.log")

    @property
    def pid(self) -> int:
        """The process that takes signals."""
        assert self._process is not None
        return self._process.pid

    def files(self) -> list[Path]:
        """Return the files that are in the webroot."""
        return [path for path in self.webroot.rglob("*") if path.is_file()]

    def serve(self, name: str, certificate: str | Path, key: str | Path) -> None:
        """Use this certificate and private key for TLS clients that ask for `name`."""
        self._sites[name] = (str(certificate), str(key))
        self._configure()
        self.reload()

    def reload(self) -> None:
        """Reload configuration and certificates, like the user's handler."""
        command = [program("nginx"), "-p", str(self.directory), "-c", "nginx.conf", "-e", "error.log", "-t"]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        before = self._workers()
        os.kill(self.pid, signal.SIGHUP)
        give_up = time.monotonic() + LONGEST_START
        while not self._workers() or before & self._workers():
            assert time.monotonic() < give_up, "nginx keeps its old workers"
            time.sleep(0.02)

    def certificate(self, name: str, ca_file: Path) -> x509.Certificate:
        """Return what a TLS client that verifies it against `ca_file` is shown for `name`."""
        return shown_certificate(self.tls_port, name, ca_file)

    def _workers(self) -> set[str]:
        return set(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split())

    def _configure(self) -> None:
        sites = "".join(
            f"server {{ listen {HOST}:{self.tls_port} ssl; server_name {name};"
            f" ssl_certificate {certificate}; ssl_certificate_key {key}; return 200; }}\n"
            for name, (certificate, key) in self._sites.items()
        )
        folders = "".join(
            f"{kind}_temp_path {self.directory}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        # Its workers must be able to read a folder of the user that runs the tests, who may be root.
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.directory / "nginx.conf").write_text(
            f"{user}daemon off;\nworker_processes 1;\npid {self.directory}/nginx.pid;\n"
            "events { worker_connections 256; }\n"
            f"http {{\n{folders}access_log {self.directory}/access.log;\nserver_names_hash_bucket_size 128;\n"
            f"server {{ listen {self.address}; root {self.webroot}/$host; }}\n{sites}}}\n",
            encoding="utf-8",
        )


class HAProxy(Server):
    """A TLS server with one combined file of private key, certificate and chain; it answers each request by itself."""

    def __init__(self, directory: Path, combined: Path) -> None:
        """Let it check its configuration, and start it."""
        super().__init__(directory)
        configuration = directory / "haproxy.cfg"
        configuration.write_text(
            "defaults\n  mode http\n  timeout client 10s\n  timeout connect 10s\n  timeout server 10s\n"
            f"frontend tls\n  bind {self.address} ssl crt {combined}\n  http-request return status 200\n",
            encoding="utf-8",
        )
        command = [program("haproxy"), "-f", str(configuration)]
        checked = subprocess.run([*command, "-c"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        self._start(*command)

    def certificate(self, name: str, ca_file: Path) -> x509.Certificate:
        """Return what a TLS client that verifies it against `ca_file` is shown for `name`."""
        return shown_certificate(self.port, name, ca_file)


class Knot(Server):
    """A primary name server for one zone that accepts updates (RFC 2136) signed with a TSIG key."""

    def __init__(self, directory: Path, zone: str) -> None:
        """Start it with an empty zone."""
        super().__init__(directory)
        self.zone = zone
        self.key_name = "updates"
        self.key_secret = base64.b64encode(os.urandom(32)).decode()
        (directory / f"{zone}.zone").write_text(
            f"$ORIGIN {zone}.\n@ 60 SOA ns hostmaster 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A {HOST}\n",
            encoding="ascii",
        )
        (directory / "knot.conf").write_text(
            f"server:\n  listen: {HOST}@{self.port}\n  rundir: {directory}\n"
            f"database:\n  storage: {directory}\n"
            "log:\n  - target: stdout\n    any: info\n"
            f"key:\n  - id: {self.key_name}\n    algorithm: hmac-sha256\n    secret: {self.key_secret}\n"
            f"acl:\n  - id: updates\n    key: {self.key_name}\n    action: update\n"
            f"zone:\n  - domain: {zone}\n    storage: {directory}\n    acl: updates\n",
            encoding="ascii",
        )
        self._start(program("knotd"), "-c", str(directory / "knot.conf"))

    @property
    def log(self) -> str:
        """Its log."""
        return (self.directory / "output").read_text(encoding="utf-8")

    def add_alias(self, name: str, target: str) -> None:
        """Make a name a CNAME record with another name as its target."""
        keys = dns.tsigkeyring.from_text({self.key_name: self.key_secret})
        update = dns.update.UpdateMessage(self.zone, keyring=keys, keyalgorithm="hmac-sha256.")
        update.add(f"{name}.", 60, "CNAME", f"{target}.")
        dns.query.tcp(update, HOST, LONGEST_START, self.port)

    def texts(self, name: str) -> list[str]:
        """Return the TXT records that it shows for a name."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [HOST]
        resolver.port = self.port
        try:
            answer: t.Any = resolver.resolve(f"{name}.", "TXT")
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        return [b"".join(record.strings).decode() for record in answer]


def shown_certificate(port: int, name: str, ca_file: Path) -> x509.Certificate:
    """Return the certificate that a server shows to a TLS client that asks for `name`, and verifies it."""
    context = ssl.create_default_context(cafile=str(ca_file))
    plain = socket.create_connection((HOST, port), LONGEST_START)
    with context.wrap_socket(plain, server_hostname=name) as connection:
        der = connection.getpeercert(True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    """Return the path of a server program; an AssertionError says how to install it."""
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))
    assert found, f"{name} is needed, a real server that the role is tested with: {INSTALL}"
    return found
