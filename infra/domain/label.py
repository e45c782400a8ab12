"""The label: the only form of name that is safe everywhere City Cloud uses a name.

An agency code becomes a Keystone domain and project, a Pulumi stack, a host name part and a metric label; a
server name becomes the guest's host name. A DNS label (RFC 1123, here beginning with a letter) fits all of
these.
"""

from __future__ import annotations

import re

MAX_LENGTH = 63
"""Characters, from RFC 1035."""

RULE = (
    "lower-case letters, digits and hyphens, "
    f"beginning with a letter, not ending in a hyphen, at most {MAX_LENGTH} characters"
)

_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def is_label(name: str) -> bool:
    """Whether `name` is a lower-case DNS label."""
    return _LABEL.fullmatch(name) is not None
