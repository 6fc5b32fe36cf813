"""How the documentation is built: `python -m sphinx -W -n -b html docs docs/_build/html`."""

from sphinx.application import Sphinx

import volcv_async
from volcv_async import gateway, testing

# Public names are documented where users import them from. Autodoc would otherwise send every
# annotation to the room that the class is written in.
for package in (volcv_async, gateway, testing):
    for name in package.__all__:
        thing = getattr(package, name)
        if getattr(thing, "__module__", "").startswith("volcv_async."):
            thing.__module__ = package.__name__

project = "volcv-async"
author = "The volcv-async developers"
release = version = volcv_async.__version__
html_title = f"{project} {release}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
default_role = "code"
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 80
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

nitpicky = True
nitpick_ignore_regex = [
    # The standard library and aiohttp have documentation of their own; there is no network here,
    # so no intersphinx to find it with.
    (
        "py:.*",
        r"(asyncio|collections|contextlib|datetime|enum|os|pathlib|random|ssl|types|typing)\..*",
    ),
    # The names of a few sets of words, of a text and of a row, which the text beside spells out.
    ("py:class", "(Billed|Ending|Fault|SlowDown|StoreUrl|Written)"),
    # What the command makes of standard input; from code one gives a path.
    ("py:class", r"volcv_async\.job\.lists\.sources\.Source"),
    # The standard library again, written short.
    ("py:.*", r"(Path|Random|datetime|Any|Self|NoReturn|Mapping|Iterable|AsyncIterable)"),
]


def setup(app: Sphinx) -> None:
    """Write signatures for those who read them."""

    def readable(*about: str | None) -> tuple[str | None, str | None]:
        _, what, _, _, _, signature, returns = about
        if what == "exception" and signature:  # users catch them and do not make them
            return "", None
        # The default of an attrs field that is made anew each time.
        return signature and signature.replace("= NOTHING", "= {}"), returns

    app.connect("autodoc-process-signature", readable)
