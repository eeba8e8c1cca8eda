# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the integration tests: a simulator over HTTPS, and ansible processes that know its address."""

from __future__ import annotations

import os
import tempfile
import typing as t
from pathlib import Path

import pytest

from tests.simulator import DcvTargets, OrderBehaviour, Simulator
from tests.support.fleet import Fleet
from tests.support.playbooks import Ansible, service_environment
from tests.support.servers import HOST, Knot, Nginx
from tests.support.sites import Site
from tests.support.warm import WarmPython


@pytest.fixture(scope="session", autouse=True)
def _quick_modules(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[None]:
    """Build each module once, and let it start at once, unless the session sets the Python that runs them."""
    if "TARGET_PYTHON" in os.environ:
        yield
        return
    base = tmp_path_factory.getbasetemp()
    archives = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "module-archives"
    archives.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, WarmPython(Path(folder)) as warm:
        os.environ.update(TARGET_PYTHON=str(warm.interpreter), MODULE_ARCHIVES=str(archives))
        yield
        del os.environ["TARGET_PYTHON"], os.environ["MODULE_ARCHIVES"]


@pytest.fixture(scope="session")
def _simulator() -> t.Iterator[Simulator]:
    assert "ANSIBLE_COLLECTIONS_PATH" in os.environ, "ANSIBLE_COLLECTIONS_PATH must name a tree with this collection"
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    """A CertCentral stand-in with empty accounts and an empty log."""
    _simulator.reset()
    return _simulator


@pytest.fixture
def ansible(simulator: Simulator, tmp_path: Path) -> Ansible:
    """Ansible processes with the simulator's URL, its CA, and the full API key in the environment."""
    return Ansible(tmp_path, service_environment(simulator))


@pytest.fixture
def site(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> Site:
    """A folder to install into; orders are not validated."""
    simulator.seed_auth_key()
    simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    return Site(tmp_path / "certificates", simulator, ansible)


@pytest.fixture
def nginx(tmp_path: Path) -> t.Iterator[Nginx]:
    """A web server for all names."""
    server = Nginx(tmp_path / "nginx")
    yield server
    server.stop()


@pytest.fixture
def fleet(simulator: Simulator, ansible: Ansible, nginx: Nginx, tmp_path: Path) -> Fleet:
    """Hosts for the role dv_certificate, whose names all lead to nginx, for the role and for DigiCert."""
    simulator.seed_auth_key()
    simulator.set_dcv_targets(DcvTargets(http=nginx.address))
    fleet = Fleet(tmp_path / "[hosts]", simulator, ansible)
    fleet.variables["webroot"] = f"{nginx.webroot}/{{{{ inventory_hostname }}}}"
    fleet.variables["http_address"] = nginx.address
    return fleet


@pytest.fixture
def knot(fleet: Fleet, tmp_path: Path) -> t.Iterator[Knot]:
    """A name server for example.com, which the role and DigiCert ask."""
    server = Knot(tmp_path / "knot", "example.com")
    fleet.simulator.set_dcv_targets(DcvTargets(dns=server.address))
    fleet.variables.update(
        dcv_method="dns",
        dns_server=HOST,
        dns_port=server.port,
        dns_tsig_name=server.key_name,
        dns_tsig_secret=server.key_secret,
    )
    yield server
    server.stop()
