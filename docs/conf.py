"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import airflow_provider_cdf_records

project = "airflow-provider-cdf-records"
author = copyright = "The airflow-provider-cdf-records authors"
version = release = airflow_provider_cdf_records.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings give the types where they help

html_theme = "furo"
html_title = "CDF Records for Airflow"
html_copy_source = False
html_show_sphinx = False
copybutton_exclude = ".linenos, .gp, .go"
