"""The last lines that a server printed: what its owner reads when it does not answer any more.

Reading them is audited like the reading of a secret: a server may print passwords while it boots.
"""

from __future__ import annotations

import re

from infra.domain.deployment import Deployment
from infra.domain.person import Person
from infra.domain.words import NOTHING, Words
from infra.errors import InfraError
from infra.portal.service.ground import Ground
from infra.portal.upkeep import Console

LINES = 200


def read(ground: Ground, person: Person, one: Deployment) -> Console:
    """The record of it is written first."""
    told = Words(f"Xem màn hình khởi động của {one.name}", f"Read the console of {one.name}")
    with ground.database.writing() as tx:
        ground.audit(tx, person, one.agency, action="deployment.console", about=one.id, told=told)
    text, note = "", _EMPTY
    if ground.site.console is None:
        note = _UNKNOWN
    else:
        try:
            text = plain(ground.site.console(one.outputs["server_id"], LINES))
        except InfraError as error:
            note = _AWAY if error.code == "unavailable" else _NONE
    return Console(one.name, text, ground.clock(), NOTHING if text else note)


def plain(printed: str) -> str:
    """Without what only a terminal understands."""
    lines = re.sub(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-_])", "", printed).split("\n")
    shown = ("".join(one for one in line if one.isprintable() or one == "\t").rstrip() for line in lines)
    return "\n".join(shown).strip("\n")


_UNKNOWN = Words(
    "Cổng này không nối với đám mây nào để hỏi.", "This portal is joined to no cloud that could be asked."
)
_AWAY = Words(
    "Đám mây hiện không trả lời; hãy thử lại sau ít phút.", "The cloud does not answer now; try again later."
)
_NONE = Words(
    "Loại máy này không giữ lại những gì nó in ra (máy dạng container thường vậy); hãy đăng nhập bằng SSH.",
    "This kind of server keeps nothing of what it prints, as containers often do; log in by SSH.",
)
_EMPTY = Words("Máy chưa in ra gì.", "The server has printed nothing yet.")
