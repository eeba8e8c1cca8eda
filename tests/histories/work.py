# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of a run at a site: the collection's own workflow, as the module uses it."""

from __future__ import annotations

from typing import Any

from ansible_collections.community.digicert.plugins.module_utils._certcentral import failures, transport
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._issuance import (
    completion,
    decision,
    prediction,
    request,
    resumption,
    submission,
    workflow,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import InstallPaths

from tests.histories.sites import Site

# The collection imports these when first needed, which must not be in a run whose clock and disk are replaced.
LATE = (completion, decision, failures, prediction, resumption, submission, transport)


def issue(client: Client, site: Site, **options: Any) -> workflow.Outcome:
    """Run for the certificate of a site; raises DigicertError."""
    values = {**request.DEFAULTS, "dns_names": list(site.names), **options}
    wanted = request.certificate_request(site.csr, values)
    every_path: dict[str, Any] = {**site.paths}
    paths = InstallPaths(**every_path)
    return workflow.Workflow(client, wanted, request.issuance_options(values), paths).run(workflow.install_files)
