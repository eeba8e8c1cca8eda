# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of azure.azcollection for Azure DNS, unchanged, on records in a file instead of Azure's SDK."""

from __future__ import annotations

import ast
import json
import shutil
import typing as t
from pathlib import Path

COMMON = "plugins/module_utils/azure_rm_common.py"
MODULES = ("azure_rm_dnsrecordset", "azure_rm_dnsrecordset_info")
# What those modules use of the collection's base class and of the SDK.
BASE = """
import json, types
from ansible.module_utils.basic import AnsibleModule, env_fallback

COMMON_ARGUMENTS
FILE = "STORE"

class ResourceNotFoundError(Exception):
    pass

class TxtRecord:
    def __init__(self, *, value):
        self.value = value

    def as_dict(self):
        return {"value": self.value}

class RecordSet:
    def __init__(self, *, ttl, txt_records, name=""):
        self.ttl, self.txt_records, self.name = ttl, txt_records, name
        self.id, self.type, self.fqdn = name, "Microsoft.Network/dnszones/TXT", name
        self.provisioning_state, self.metadata = "Succeeded", None
        self.target_resource = types.SimpleNamespace(id=None)

    def as_dict(self):
        return {"type": self.type, "txt_records": [record.as_dict() for record in self.txt_records]}

class RecordSets:
    def _load(self):
        with open(FILE) as file:
            return json.load(file)

    def _save(self, content, name):
        content["history"].append(content["sets"].get(name, []))
        with open(FILE, "w") as file:
            json.dump(content, file)

    def get(self, group, zone, name, kind):
        assert (group, zone, kind) == ("dns-group", "example.com", "TXT"), (group, zone, kind)
        values = self._load()["sets"].get(name)
        if values is None:
            raise ResourceNotFoundError(name)
        return RecordSet(ttl=300, txt_records=[TxtRecord(value=value) for value in values], name=name)

    def create_or_update(self, *, resource_group_name, zone_name, relative_record_set_name, record_type, parameters):
        content = self._load()
        assert all(len(text) < 256 for record in parameters.txt_records for text in record.value)
        content["sets"][relative_record_set_name] = [record.value for record in parameters.txt_records]
        content["ttl"].append(parameters.ttl)
        self._save(content, relative_record_set_name)
        return parameters

    def delete(self, *, resource_group_name, zone_name, relative_record_set_name, record_type):
        content = self._load()
        del content["sets"][relative_record_set_name]
        self._save(content, relative_record_set_name)

class AzureRMModuleBase:
    def __init__(self, arguments, supports_check_mode=False, mutually_exclusive=None, skip_exec=False):
        self.module = AnsibleModule(
            argument_spec={**AZURE_COMMON_ARGS, **arguments},
            mutually_exclusive=mutually_exclusive,
            supports_check_mode=supports_check_mode,
        )
        self.check_mode = self.module.check_mode
        zones = types.SimpleNamespace(get=lambda group, zone: zone == "example.com")
        self.dns_client = types.SimpleNamespace(zones=zones, record_sets=RecordSets())
        self.dns_models = types.SimpleNamespace(RecordSet=RecordSet, TxtRecord=TxtRecord)
        if not skip_exec:
            self.module.exit_json(**self.exec_module(**self.module.params))

    def log(self, *_):
        pass

    def fail(self, msg):
        self.module.fail_json(msg=msg)
"""


class Azure:
    """A collections path with the modules, and sets of TXT records: relative name -> values, each a list of texts."""

    def __init__(self, directory: Path, collection: Path) -> None:
        """Take an empty folder, and the installed collection."""
        self.path = directory
        self._store = directory / "store.json"
        copy = directory / "ansible_collections" / "azure" / "azcollection"
        for folder in ("plugins/modules", "plugins/module_utils", "meta"):
            (copy / folder).mkdir(parents=True)
        for name in MODULES:
            # The SDK's exception is where the base class is.
            text = (collection / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8")
            ours = "from ansible_collections.azure.azcollection.plugins.module_utils.azure_rm_common import"
            text = text.replace("from azure.core.exceptions import", ours)
            (copy / "plugins" / "modules" / f"{name}.py").write_text(text, encoding="utf-8")
        shutil.copy(collection / "meta" / "runtime.yml", copy / "meta")
        tree = ast.parse((collection / COMMON).read_text(encoding="utf-8"))
        common = next(
            ast.unparse(node)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "AZURE_COMMON_ARGS"
        )
        text = BASE.replace("COMMON_ARGUMENTS", common).replace("STORE", str(self._store))
        (copy / COMMON).write_text(text, encoding="utf-8")
        self.write({})

    def write(self, sets: dict[str, list[list[str]]]) -> None:
        """Begin with these sets."""
        self._store.write_text(json.dumps({"sets": sets, "history": [], "ttl": []}), encoding="utf-8")

    def read(self) -> dict[str, t.Any]:
        """Return `sets`, `history`, a list of the values after each change, and `ttl`, those that were written."""
        content: dict[str, t.Any] = json.loads(self._store.read_text(encoding="utf-8"))
        return content
