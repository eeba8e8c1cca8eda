# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the documentation as web pages: self-contained, and strict about every reference inside."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

project = html_title = "community.digicert"
author = copyright = "community.digicert contributors"  # noqa: A001 (Sphinx's name)

extensions = ["sphinx_antsibull_ext"]
default_role = "any"
highlight_language = "yaml+jinja"
pygments_style, pygments_dark_style = "default", "monokai"
antsibull_ext_color_scheme = "default-autodark"
html_theme = "furo"
html_copy_source = html_show_sphinx = html_use_index = False
html_static_path, html_css_files = ["static"], ["site.css"]
html_theme_options = {"navigation_with_keys": True}
nitpicky = True

ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
ANSIBLE_PAGES = {
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
# A page of a plugin, or an option or return value on it, of one of the collections that the documentation refers to.
PLUGIN = re.compile(r"ansible_collections\.(ansible\.builtin|community\.\w+)\.(\w+_[a-z]+)")

# Where the name of a plugin may be broken.
PART = re.compile(r"(?<=\w)[._](?=\w)")


def link_to_ansible(_app: Sphinx, _env: Any, node: Any, contnode: nodes.TextElement) -> nodes.reference | None:
    """Link to Ansible's own documentation without its inventory; any other missing reference is an error."""
    target = str(node.get("reftarget"))
    found = None if target.startswith(f"ansible_collections.{project}.") else PLUGIN.fullmatch(target)
    page = f"collections/{found[1].replace('.', '/')}/{found[2]}.html" if found else ANSIBLE_PAGES.get(target)
    return None if page is None else nodes.reference("", "", contnode, refuri=f"{ANSIBLE}/{page}", internal=False)


def drop_contents(_app: Sphinx, doctree: nodes.document) -> None:
    """Remove the lists of contents, which pages have for other themes; this theme shows them beside the page."""
    for topic in [topic for topic in doctree.findall(nodes.topic) if "contents" in topic["classes"]]:
        topic.parent.remove(topic)
    for title in doctree.findall(nodes.title):  # it would link back to its line in the list
        title.attributes.pop("refid", None)


def name_release_notes(app: Sphinx, doctree: nodes.document) -> None:
    """Give the release notes the title that they have in CHANGELOG.md; antsibull-docs makes another one."""
    if app.env.docname == "changelog":
        title = next(doctree.findall(nodes.title))
        title.children = []
        title += nodes.Text("Community DigiCert Collection Release Notes")


def break_names(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Let narrow screens break names after a dot or underscore, in the heading and the links to the pages beside it."""
    context["body"] = re.sub("<h1>[^<]+", lambda heading: PART.sub(r"\g<0><wbr>", heading[0]), context.get("body", ""))
    for neighbor in filter(None, (context.get("prev"), context.get("next"))):
        neighbor["title"] = PART.sub(r"\g<0><wbr>", neighbor["title"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the functions above with Sphinx."""
    app.connect("doctree-read", drop_contents)
    app.connect("doctree-read", name_release_notes, priority=400)  # before Sphinx collects the titles
    app.connect("html-page-context", break_names)
    app.connect("missing-reference", link_to_ansible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
