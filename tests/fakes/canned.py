"""A cloud that answers each GET with what was laid down for its path, and remembers what it was asked."""

from __future__ import annotations

from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from infra.cloud.service import failure
from infra.provider.functions import call, function


class CannedService:
    """One service: `/networks` answers `{"networks": [...]}` out of what lies under `network /networks`.

    A number in an answer's place is a status: the request is refused with it.
    """

    def __init__(self, cloud: CannedCloud, name: str) -> None:
        self._cloud = cloud
        self._name = name
        self.listings = cloud.listings

    def scope(self) -> tuple[str, str]:
        return "our-project", "our-user"

    def request(self, method: str, path: str, *, params: Any = None, headers: Any = None, **rest: Any) -> Any:
        assert method == "GET"
        assert not rest.get("json")
        self._cloud.asked.append((f"{self._name} {path}", dict(params or {}), dict(headers or {})))
        answer = self._cloud.answers.get(f"{self._name} {path}", 404)
        if isinstance(answer, int):
            raise failure(f"GET {self._name} {path}", answer, "there is no such thing")
        return answer


class CannedCloud(Cloud):
    """`asked` is what was asked, as (service and path, parameters, headers)."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(
            Credentials(auth_url="http://canned", username="u", password="x", region_name="hai-phong")
        )
        self.answers: dict[str, Any] = answers
        self.asked: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def service(self, name: str) -> Any:
        return CannedService(self, name)

    @property
    def token(self) -> str:
        return "our-token"


def ask(short: str, cloud: CannedCloud, **given: Any) -> dict[str, Any]:
    """Call the function of this module and name; every property that it promises must be answered."""
    module, name = short.split("/")
    token = f"openstack:{module}/{name}:{name}"
    answer = call(cloud, token, given)
    promised = {item.name for item in function(token).properties if item.output}
    assert promised <= answer.keys()
    return answer
