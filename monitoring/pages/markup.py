"""HTML that is safe by construction: whatever is not `Markup` already is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

_EMPTY = {"meta", "link", "br", "hr", "line", "rect", "path"}
Content = str | int | None | Iterable["Content"]


class Markup(str):
    """HTML that is finished."""

    __slots__ = ()


def text(content: Content) -> Markup:
    """Content as HTML; None is nothing."""
    if content is None:
        return Markup("")
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(html.escape(content))
    if isinstance(content, int):
        return Markup(content)
    return Markup("".join(text(part) for part in content))


def el(tag: str, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """An element. Attribute names lose a trailing _, other _ become -; None and False are left out."""
    given = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _EMPTY:
        return Markup(f"<{tag}{given}>" if tag in ("meta", "link", "br", "hr") else f"<{tag}{given}/>")
    return Markup(f"<{tag}{given}>{text(content)}</{tag}>")
