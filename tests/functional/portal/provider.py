"""A small OpenID provider on this machine: discovery, keys and tokens, and the ways in which they may lie."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "citycloud-portal"


@dataclass
class Provider:
    """`claims` go into the token over those that are right; `key` signs, `shown` is what it publishes.
    `refresh` is the one refresh token that it takes, each once; "" gives none. `refusal` is what it says
    instead of a token: status and error.
    """

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    shown: RSAKey | None = None
    challenges: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)
    refresh: str = "refresh-1"
    refusal: tuple[int, str] | None = None

    def authorize(self, url: str, code: str = "code-1") -> str:
        """What a browser does at the provider: signs in, and is sent back; the URL that it then opens."""
        self.asked = parse_qs(urlsplit(url).query)
        self.challenges[code] = (self.asked["code_challenge"][0], self.asked["nonce"][0])
        return f"{self.asked['redirect_uri'][0]}?code={code}&state={self.asked['state'][0]}"

    def token(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if self.refusal:
            return self.refusal[0], {"error": self.refusal[1]}
        if form["grant_type"] == ["refresh_token"]:
            if form["refresh_token"] != [self.refresh]:
                return 400, {"error": "invalid_grant"}
            self.refresh += "1"
            return 200, self._signed({})
        challenge, nonce = self.challenges.pop(form["code"][0], ("", ""))
        digest = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge:
            return 400, {"error": "invalid_grant"}
        return 200, self._signed({"nonce": nonce})

    def _signed(self, more: dict[str, Any]) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "42", "iat": now, "exp": now + 300, **more,
            "preferred_username": "hoa", "name": "Nguyễn Thị Hoa", "agency": "hongbang", "roles": ["member"],
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, {**claims, **self.claims}, self.key)
        given = {"access_token": "secret", "token_type": "Bearer", "id_token": signed}
        return {**given, "refresh_token": self.refresh} if self.refresh else given

    def answer(self, path: str) -> dict[str, Any]:
        if path.endswith("openid-configuration"):
            return {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            }  # fmt: skip
        return {"keys": [(self.shown or self.key).as_dict(private=False)]}


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send(200, provider.answer(self.path))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send(*provider.token(form))

        def send(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield provider
    server.shutdown()
    server.server_close()
