"""Settings of the documentation: ``sphinx-build -W -b html docs build/docs``; nothing is fetched from a network."""

from __future__ import annotations

import sys
from pathlib import Path

from sim.version import __version__

sys.path.insert(0, str(Path(__file__).parent))  # for the extensions in this folder

project = "Headshare"
author = "Headshare"
copyright = "Headshare; MIT licence"
version = release = __version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated", "mathml"]
exclude_patterns = ["examples", "performance"]
nitpicky = True
nitpick_ignore_regex = [
    # Types of packages whose own documentation isn't fetched, and short names that annotations and docstrings use.
    (r"py:.*", r"(altair|collections|np|numpy|nx|networkx|os|pa|pyarrow|pathlib|typing)\..*"),
    (
        r"py:.*",
        r"ndarray|NDArray|Amounts|Values|Column|Floats|Int64s|Int32s|Int8s|Bools|Heads|Totals|EngineName|CheckPolicy|Graph|Path",
    ),
    (r"py:.*", r".*[\[\]].*"),
    (r"py:class", r"sim\.(experiment|measures|scenario|registry)\..*"),  # types in signatures that have no page
]

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_preprocess_types = True
napoleon_type_aliases = {"FollowGraph": "sim.scenario.FollowGraph"}

html_theme = "furo"
html_title = f"Headshare {version}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
