"""What the portal's code and templates say, by Babel's own extraction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

PORTAL = Path(__file__).parents[3] / "infra/portal"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def messages() -> Iterator[tuple[str, int, str | tuple[str, ...]]]:
    """(file, line, text or its forms)."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
    options = {"templates/**.html": {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.i18n"}}
    for file, line, text, _, _ in extract_from_dir(str(PORTAL), methods, options, KEYWORDS):
        yield file, line, text
