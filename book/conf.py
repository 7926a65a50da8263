"""Configuration of Sphinx for the documentation site. `book/build` copies it next to the generated pages."""

import os
import sys
from pathlib import Path

BOOK = Path(os.environ["ERGOSEQ_BOOK"])
sys.path.insert(0, str(BOOK))

from generate.lexer import SeqLexer, SessionLexer  # noqa: E402

project = "ergoseq"
author = "the authors of ergoseq"
project_copyright = author
release = os.environ["ERGOSEQ_VERSION"]
version = release

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "fieldlist", "attrs_block", "deflist"]
myst_heading_anchors = 4
source_suffix = {".md": "markdown"}
exclude_patterns: list[str] = []
highlight_language = "none"
smartquotes = False

html_theme = "furo"
html_title = f"ergoseq {release}"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_last_updated_fmt = None
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "monokai"

# Types of other packages in the signatures of the Python package, and its own aliases.
nitpick_ignore_regex = [
    ("py:.*", r"(str|int|float|bool|bytes|None|list|dict|tuple)"),
    ("py:.*", r"(Any|Iterable|Iterator|Mapping|Sequence|Callable|NDArray|Matrix|Value|os\.PathLike|np\..*|xr\..*)"),
]


def setup(app):
    app.add_lexer("seq", SeqLexer)
    app.add_lexer("session", SessionLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
