"""What a sign-in service gave for a session, kept so that only the browser's cookie opens it.

The database has the cookie's digest and this text: who reads it can neither ask the service for anything nor
end anybody's session there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from cryptography.fernet import Fernet, InvalidToken

from infra.portal.identity import Vouched


def seal(vouched: Vouched, secret: str) -> str:
    """`secret` is the cookie, 256 random bits."""
    return _box(secret).encrypt(json.dumps([vouched.refresh, vouched.id_token]).encode()).decode()


def opened(sealed: str, secret: str) -> tuple[str, str]:
    """Refresh token and ID token, "" for what there is none of."""
    try:
        refresh, id_token = json.loads(_box(secret).decrypt(sealed.encode()))
    except InvalidToken:  # sealed by no cookie, or by another
        return "", ""
    return str(refresh), str(id_token)


def _box(secret: str) -> Fernet:
    key = hmac.new(secret.encode(), b"citycloud sign-in service", hashlib.sha256).digest()
    return Fernet(base64.urlsafe_b64encode(key))
