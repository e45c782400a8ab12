"""Sessions of browsers and tokens of programs: short, revocable, and kept as digests only.

Whoever reads the database can sign in as nobody. Roles are those of the last look into the directory: one
that was taken away in Keystone, or at the provider that people sign in at, is gone here after `RECHECK`,
without waiting for the session's end.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from infra.domain.estate import AgencyClosed
from infra.domain.person import Person
from infra.domain.session import Scope, Session, Token
from infra.domain.words import Words
from infra.portal.identity import (
    Directory,
    DirectoryUnreachable,
    NoRoleHere,
    SignInRefused,
    Vouched,
    Vouching,
)
from infra.portal.interface import FieldProblem, InputRefused, NotAllowed
from infra.portal.sealed import opened, seal

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
RECHECK = timedelta(minutes=5)
UNCHECKED = timedelta(hours=1)
"""How long the directory's last word counts while it does not answer, or where nobody can be asked."""
PAUSE = timedelta(seconds=30)
"""How long a provider that did not answer is left alone: else each page would wait for it anew."""
TOUCH = timedelta(minutes=1)
"""A session's last use is written at most this often, not with each page."""
TOKEN_PREFIX = "cityc_"  # noqa: S105  (so that a scanner for leaked secrets can know it)
TOKEN_DAYS = 90
FEDERATED_TOKEN_DAYS = 1
"""A person of an OIDC provider cannot be looked up later, so their tokens end with the day."""
KEYSTONE, OIDC = "keystone", "oidc"


class AgencyLeft(NotAllowed):
    """The person's agency is leaving the cloud, or has left it: nobody of it signs in any more."""

    code = "agency_closed"
    told = AgencyClosed.told


class SessionStore(Protocol):
    """Where they are kept. `add_session` raises AgencyClosed. `renew_*` changes what is there by its digest,
    and does nothing where it was dropped meanwhile: a page that is still being answered brings no session
    back.
    """

    def add_session(self, session: Session) -> None: ...
    def renew_session(self, session: Session) -> None: ...
    def session(self, digest: str) -> Session | None: ...
    def drop_session(self, digest: str) -> None: ...
    def drop_sessions(self, person: str) -> int: ...
    def add_token(self, token: Token) -> None: ...
    def renew_token(self, token: Token) -> None: ...
    def token(self, digest: str) -> Token | None: ...
    def tokens(self, person: str) -> tuple[Token, ...]: ...
    def drop_token(self, person: str, token: str) -> bool: ...


class Access:
    """Begins, knows and ends sessions and tokens. The secret itself is given out once."""

    def __init__(
        self, store: SessionStore, directory: Directory, clock: Callable[[], datetime],
        provider: Vouching | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._directory = directory
        self._clock = clock
        self._provider = provider
        self._asking: set[str] = set()
        self._paused_until: datetime | None = None
        self._guard = threading.Lock()

    def begin(self, person: Person, source: str, address: str) -> str:
        """The cookie of a new session. Raises AgencyLeft."""
        return self._begin(person, source, address, lambda secret: "")

    def begin_vouched(self, vouched: Vouched, address: str) -> str:
        """The cookie of a new session of a person whom the provider vouches for. Raises AgencyLeft."""
        return self._begin(vouched.person, OIDC, address, lambda secret: seal(vouched, secret))

    def _begin(self, person: Person, source: str, address: str, sealed: Callable[[str], str]) -> str:
        secret, now = secrets.token_urlsafe(32), self._clock()
        made = Session(_digest(secret), person, source, now, now, now, address, sealed(secret))
        try:
            self._store.add_session(made)
        except AgencyClosed as closed:
            raise AgencyLeft(str(closed)) from closed
        return secret

    def session(self, secret: str) -> Session | None:
        """The session of a cookie; None when it ended. Raises DirectoryUnreachable after `UNCHECKED`."""
        found = self._store.session(_digest(secret)) if secret else None
        if found is None:
            return None
        now = self._clock()
        if now - found.seen > IDLE or now - found.started > LONGEST:
            self._store.drop_session(found.digest)
            return None
        fresh = self._vouched_again(found, secret) if found.source == OIDC else self._looked_up(found)
        if fresh is None:
            self._store.drop_session(found.digest)
            return None
        if fresh != found or now - found.seen > TOUCH:
            fresh = replace(fresh, seen=now)
            self._store.renew_session(fresh)
        return fresh

    def end(self, secret: str) -> None:
        self._store.drop_session(_digest(secret))

    def id_token(self, session: Session, secret: str) -> str:
        """What ends the session at the provider, too; "" for one that has none there."""
        return opened(session.sealed, secret)[1]

    def end_all(self, person: str) -> int:
        """How many sessions ended: all of the person, on every computer."""
        return self._store.drop_sessions(person)

    def issue(self, session: Session, name: str, scopes: frozenset[Scope], days: int) -> tuple[Token, str]:
        """The token and its secret. Raises InputRefused."""
        most = TOKEN_DAYS if session.source == KEYSTONE else FEDERATED_TOKEN_DAYS
        problems = []
        if not name.strip() or len(name) > 100:
            problems.append(FieldProblem("name", Words(
                "Hãy đặt tên, tối đa 100 ký tự, để sau này biết mã này dùng cho việc gì",
                "Give it a name of at most 100 characters, to know later what it is for",
            )))  # fmt: skip
        if not scopes:
            problems.append(FieldProblem("scopes", Words("Chọn ít nhất một quyền", "Choose at least one")))
        if not 1 <= days <= most:
            problems.append(
                FieldProblem("days", Words(f"Từ 1 đến {most} ngày", f"Between 1 and {most} days"))
            )
        if problems:
            raise InputRefused(problems)
        secret, now = TOKEN_PREFIX + secrets.token_urlsafe(32), self._clock()
        token = Token(
            secrets.token_hex(8), _digest(secret), name.strip(), session.person, session.source, scopes, now,
            now + timedelta(days=days), session.checked,
        )  # fmt: skip
        self._store.add_token(token)
        return token, secret

    def token(self, secret: str) -> Token | None:
        """The token of this secret; None when it ended. Raises DirectoryUnreachable after `UNCHECKED`."""
        found = self._store.token(_digest(secret))
        if found is None or found.expires <= self._clock():
            return None
        person, checked = self._checked(found.person, found.source, found.checked)
        if person is None:
            self._store.drop_token(found.person.id, found.id)
            return None
        fresh = replace(found, person=person, checked=checked)
        if fresh != found:
            self._store.renew_token(fresh)
        return fresh

    def tokens(self, person: str) -> tuple[Token, ...]:
        """Those that have not expired, newest first."""
        now = self._clock()
        alive = [token for token in self._store.tokens(person) if token.expires > now]
        return tuple(sorted(alive, key=lambda token: token.made, reverse=True))

    def revoke(self, person: str, token: str) -> bool:
        """Whether there was such a token of this person."""
        return self._store.drop_token(person, token)

    def _looked_up(self, found: Session) -> Session | None:
        person, checked = self._checked(found.person, found.source, found.checked)
        return None if person is None else replace(found, person=person, checked=checked)

    def _vouched_again(self, found: Session, secret: str) -> Session | None:
        """The session as the provider sees it now; None when it is over there."""
        now = self._clock()
        if now - found.checked <= RECHECK:
            return found
        refresh, _ = opened(found.sealed, secret)
        if not refresh or self._provider is None:
            return None if now - found.checked > UNCHECKED else found
        try:
            return self._asked(found, secret, self._provider, refresh)
        except DirectoryUnreachable:
            if now - found.checked > UNCHECKED:
                raise
            return found
        except SignInRefused as refused:
            return self._refused(found, isinstance(refused, NoRoleHere))

    def _asked(self, found: Session, secret: str, provider: Vouching, refresh: str) -> Session:
        """One request at a time asks, and the others go on by what was said last, as where the provider does
        not answer: it may take a refresh token once only. Raises NoRoleHere for who is of another agency.
        """
        now = self._clock()
        with self._guard:
            if found.digest in self._asking or (self._paused_until and now < self._paused_until):
                raise DirectoryUnreachable("the provider is being asked, or did not answer just now")
            self._asking.add(found.digest)
        try:
            vouched = provider.again(refresh, found.person.id)
            if vouched.person.agency != found.person.agency:
                raise NoRoleHere("the person is of another agency now", vouched.id_token)
            fresh = replace(found, person=vouched.person, checked=now, sealed=seal(vouched, secret))
            self._store.renew_session(fresh)
        except DirectoryUnreachable:
            self._paused_until = now + PAUSE
            raise
        finally:
            self._asking.discard(found.digest)
        for token in self._store.tokens(found.person.id):
            self._store.renew_token(replace(token, person=vouched.person, checked=now))
        return fresh

    def _refused(self, found: Session, gone: bool) -> Session | None:
        """None, unless another process of the portal has asked meanwhile and was answered. Tokens outlive the
        session, but not the person's place in the portal.
        """
        later = self._store.session(found.digest)
        if later is not None and later.checked > found.checked:
            return later
        if gone:
            for token in self._store.tokens(found.person.id):
                self._store.drop_token(found.person.id, token.id)
        return None

    def _checked(self, person: Person, source: str, checked: datetime) -> tuple[Person | None, datetime]:
        now = self._clock()
        if source != KEYSTONE or now - checked <= RECHECK:
            return person, checked
        try:
            found = self._directory.look_up(person.id)
        except DirectoryUnreachable:
            if now - checked > UNCHECKED:
                raise
            return person, checked
        if found is None or found.agency != person.agency:
            return None, checked
        return found, now


def csrf_token(secret: str) -> str:
    """What a session's forms carry: made from its cookie, so another site cannot know it."""
    return hmac.new(secret.encode(), b"citycloud csrf", hashlib.sha256).hexdigest()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
