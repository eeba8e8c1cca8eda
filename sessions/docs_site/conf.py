# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the documentation a site: self-contained, and strict about every reference inside of it."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

project = "community.digicert"
author = "community.digicert contributors"
copyright = author  # noqa: A001 (Sphinx's name)

extensions = ["sphinx_antsibull_ext"]
default_role = "any"
highlight_language = "yaml+jinja"
pygments_style = "default"
pygments_dark_style = "monokai"
antsibull_ext_color_scheme = "default-autodark"

html_theme = "furo"
html_title = "community.digicert"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_use_index = False
html_theme_options = {"navigation_with_keys": True}

nitpicky = True

ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
ANSIBLE_PAGES = {
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
# A page of a plugin, or an option or return value on it, of one of the collections that the documentation refers to.
PLUGIN = re.compile(r"ansible_collections\.(ansible\.builtin|community\.crypto|community\.general)\.(\w+_[a-z]+)")


def link_to_ansible(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, contnode: nodes.TextElement
) -> nodes.reference | None:
    """Link what Ansible's own documentation holds, without its inventory; all else that is missing is an error."""
    target = str(node.get("reftarget"))
    found = PLUGIN.fullmatch(target)
    page = f"collections/{found[1].replace('.', '/')}/{found[2]}.html" if found else ANSIBLE_PAGES.get(target)
    return None if page is None else nodes.reference("", "", contnode, refuri=f"{ANSIBLE}/{page}", internal=False)


def drop_contents(_app: Sphinx, doctree: nodes.document) -> None:
    """Take out the lists of contents, which pages have for other themes: this one shows them beside the page."""
    for topic in list(doctree.findall(nodes.topic)):
        if "contents" in topic["classes"]:
            topic.parent.remove(topic)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the functions above."""
    app.connect("missing-reference", link_to_ansible)
    app.connect("doctree-read", drop_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
