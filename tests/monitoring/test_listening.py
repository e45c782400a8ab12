"""The exporters' server as clients meet it: formats, packing, paths, refusals, connections."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from monitoring.exporters import listening
from monitoring.exporters.listening import ClientGone, Request, Response


def families(request: Request) -> Iterator[Metric]:
    if request.first("fail"):
        raise KeyError("bug")
    if request.first("gone"):
        raise ClientGone
    family = GaugeMetricFamily("city_things", "Things.", labels=["name"])
    for number in range(200):
        family.add_metric([f"thing {number}"], number)
    yield family


class Refusing:
    """A guard that knows whom it does not let in."""

    context = None

    def authenticate(self, request: Request) -> Response | None:
        return Response(401, b"who are you?\n") if request.headers.get("authorization") == "wrong" else None

    def with_headers(self, answer: listening.Handler) -> listening.Handler:
        return answer


@pytest.fixture
def server() -> Iterator[listening.Server]:
    paths = {
        "/sd/": lambda request: Response(200, request.path.encode()),
        "/probe": lambda request: Response(200, request.first("cloud").encode()),
    }
    found = listening.serve(
        "Test <exporter>", listening.metrics(families), "127.0.0.1", 0, paths,
        rows=lambda: [("things", "read 3 s ago <b>")], guard=Refusing(),
    )  # fmt: skip
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def client(server: listening.Server) -> Iterator[http.client.HTTPConnection]:
    found = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    yield found
    found.close()


def get(
    client: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    client.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    reply = client.getresponse()
    return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()


def samples(families: Iterator[Metric]) -> int:
    return sum(len(family.samples) for family in families)


def test_text_and_openmetrics_are_what_the_client_asks_for(client: http.client.HTTPConnection) -> None:
    _, headers, body = get(client, "/metrics")
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    assert samples(parse_text(body.decode())) == 200
    _, headers, body = get(
        client, "/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    )
    assert headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert samples(parse_openmetrics(body.decode())) == 200


def test_an_answer_is_packed_for_a_client_that_takes_it(client: http.client.HTTPConnection) -> None:
    _, headers, body = get(client, "/metrics", Accept_Encoding="deflate, gzip;q=1.0")
    assert headers["content-encoding"] == "gzip"
    assert samples(parse_text(gzip.decompress(body).decode())) == 200


def test_a_connection_serves_one_request_after_the_other(client: http.client.HTTPConnection) -> None:
    get(client, "/metrics")
    first = client.sock
    get(client, "/metrics")
    assert client.sock is first


def test_paths_are_served_by_name_and_by_beginning_and_all_others_are_not_metrics(
    client: http.client.HTTPConnection,
) -> None:
    assert get(client, "/sd/workloads")[2] == b"/sd/workloads"
    assert get(client, "/probe?cloud=hai-phong")[2] == b"hai-phong"
    assert get(client, "/-/healthy")[0] == 200
    assert get(client, "/metrics/more")[0] == 404
    assert get(client, "/probe/x")[0] == 404
    assert get(client, "/metrics", method="POST")[0] == 501


def test_the_landing_page_leads_on_and_says_how_collectors_do(client: http.client.HTTPConnection) -> None:
    _, headers, body = get(client, "/")
    assert headers["content-type"].startswith("text/html")
    assert b'href="/metrics"' in body
    assert b"Test &lt;exporter&gt;" in body
    assert b"read 3 s ago &lt;b&gt;" in body


def test_head_has_everything_but_the_body(client: http.client.HTTPConnection) -> None:
    status, headers, body = get(client, "/metrics", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_an_error_on_the_way_is_a_500_and_never_half_an_answer(client: http.client.HTTPConnection) -> None:
    status, _, body = get(client, "/metrics?fail=1")
    assert status == 500
    assert b"city_things" not in body
    assert get(client, "/metrics")[0] == 200


def test_a_client_that_has_gone_gets_nothing(client: http.client.HTTPConnection) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        get(client, "/metrics?gone=1")


def test_a_refusal_comes_before_any_work(client: http.client.HTTPConnection) -> None:
    assert get(client, "/metrics?fail=1", Authorization="wrong")[0] == 401


def test_a_silent_client_keeps_no_other_waiting(
    server: listening.Server, client: http.client.HTTPConnection
) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port)):
        assert get(client, "/metrics")[0] == 200


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("", 9.5), ("15", 14.5), ("0.5", 0.25), ("nonsense", 9.5), ("-1", 9.5), ("inf", 9.5), ("nan", 9.5)],
)
def test_the_deadline_is_what_the_scraper_waits_less_the_way_back(told: str, seconds: float) -> None:
    assert Request("/metrics", headers={"x-prometheus-scrape-timeout-seconds": told}).seconds == seconds


@pytest.mark.parametrize("text", ["9180", ":9180", "host:", "host:port", "host:99999"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        listening.address(text)


def test_an_ipv6_address_is_taken_with_its_brackets() -> None:
    assert listening.address("[::1]:9180") == ("::1", 9180)
