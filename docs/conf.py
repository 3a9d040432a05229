"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path

import airflow_provider_cdf_records

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))
# Airflow, which autodoc imports, writes its configuration there.
os.environ.setdefault("AIRFLOW_HOME", str(HERE / "_build" / "airflow"))
logging.getLogger("airflow").setLevel(logging.WARNING)

project = "airflow-provider-cdf-records"
author = copyright = "The airflow-provider-cdf-records authors"
version = release = airflow_provider_cdf_records.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "command_line",
    "parameters",
    "repository_links",
]
exclude_patterns = ["_build", "extensions"]
source_suffix = {".md": "markdown"}
nitpicky = True
# What Python's, Airflow's and pytest's pages would explain: nothing is looked up elsewhere during a build.
nitpick_ignore_regex = [
    ("py:.*", r"(airflow|pytest|datetime|collections|typing|requests|starlette|uvicorn)\..*")
]
nitpick_ignore = [("py:class", name) for name in ("ValueError", "TypeError", "ImportError", "Exception")]

# The repository's address stands in pyproject.toml alone.
(repository_url,) = re.findall(
    r'^Repository = "(.+)"$', (HERE.parent / "pyproject.toml").read_text(), re.MULTILINE
)
linkcheck_ignore = [r"http://(localhost|127\.0\.0\.1).*", r"https://github\.com/OWNER/.*"]
linkcheck_timeout = 20

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
maximum_signature_line_length = 80
autodoc_typehints = "none"  # the docstrings give the types where they help

html_theme = "furo"
html_title = "CDF Records for Airflow"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sphinx = False
copybutton_exclude = ".linenos, .gp, .go"
