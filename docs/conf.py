"""Settings of Sphinx, which builds the pages of docs/ and the reference of the public names.

    pip install -e '.[docs]'
    sphinx-build --nitpicky --fail-on-warning --keep-going docs docs/_build

The build is strict. It fails where a link leads nowhere, where a public name or an argument is not
described, and where a docstring mentions a name that does not exist. What the reference holds is
found by docs/reference_pages.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import reference_pages  # noqa: E402

import npbert  # noqa: E402

project = "npbert"
version = release = npbert.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.linkcode",
    "numpydoc",
    "reference_pages",
]
exclude_patterns = ["_build"]
default_role = "py:obj"  # a `name` in a docstring is a link, which must lead somewhere
myst_heading_anchors = 3

# The docstrings describe the arguments, with shapes and units. Annotations are for type checkers.
autodoc_typehints = "none"
autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "special-members": "__call__",
    # Python's documentation describes what these classes of Python bring.
    "inherited-members": "Mapping, UserDict, dict, tuple, ValueError, BaseException",
}
toc_object_entries_show_parents = "hide"
autosummary_generate = False  # docs/reference_pages.py writes the pages
linkcode_resolve = reference_pages.source_link
numpydoc_show_class_members = False  # autodoc lists them
numpydoc_validation_checks = {  # and more in reference_pages.py
    "GL06",  # an unknown section
    "GL07",  # sections in another order
    "GL08",  # no docstring
    "SS01",  # no summary
    "PR03",  # arguments in another order
    "PR07",  # an argument without a description
    "PR10",  # no blank before the colon
}

html_theme = "pydata_sphinx_theme"
html_title = f"npbert {release}"
html_show_sourcelink = False
html_sidebars: dict[str, list[str]] = {"index": []}
html_theme_options = {
    "github_url": reference_pages.REPOSITORY,
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
}
