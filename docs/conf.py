"""Sphinx's settings for the site; `make site` reads them from a copy of this folder."""

import base64
import hashlib
from importlib import resources
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

project = "Convolutional networks, hands on"
html_title = project
language = "en"
extensions = ["myst_nb"]

# The notebooks are executed already.
nb_execution_mode = "off"
nb_code_prompt_show = "Show the answer"
nb_code_prompt_hide = "Hide the answer"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# One file with all of MathJax, from a package: nothing is fetched when a page is opened.
_mathjax = resources.files("sphinx-mathjax-offline") / "static" / "mathjax" / "tex-svg.js"
mathjax_path = "tex-svg.js"

html_theme = "furo"
html_static_path = ["_static", str(_mathjax)]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
# Opened from the file system, a page must not read other pages.
html_show_search_summary = False


def describe_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Give each picture of a notebook the text alternative in its output's metadata."""
    path = Path(doctree["source"])
    if path.suffix != ".ipynb":
        return
    texts = {}
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            for kind, metadata in output.get("metadata", {}).items():
                if kind in output.data and "alt" in metadata:
                    # MyST-NB names a picture by the digest of its bytes.
                    picture = base64.b64decode(output.data[kind])
                    texts[hashlib.sha256(picture).hexdigest()] = metadata["alt"]
    for image in doctree.findall(nodes.image):
        image["alt"] = texts.get(Path(image["uri"]).stem, image.get("alt", ""))


def setup(app: Sphinx) -> None:
    """Connect what MyST-NB does not do by itself."""
    app.connect("doctree-read", describe_pictures)
