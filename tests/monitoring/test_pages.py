"""The ops pages from a real Prometheus in a browser: both languages, dark and light, desk and phone."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from infra import inventory as inventories
from monitoring.exporters.listening import Request, Server
from monitoring.pages.server import Pages, SiteFileInvalid, main, read_names
from monitoring.prometheus import Alertmanager, Prometheus
from tests.monitoring import scene
from tests.monitoring.stand import Stand

ROOT = Path(__file__).parents[2]
PATHS = ("/", "/capacity", "/agency", "/agency/sotttt", "/slo")
SCREENS = {"desk": 1280, "phone": 390}
# Texts that are the same in both languages because they are names.
NAMES = {"City Cloud test", "SLO", "sotttt", "English", "Tiếng Việt", "API", "GiB", "TiB"}
CONTRAST = """() => {
  const channel = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const found = parse(getComputedStyle(node).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
    if (!own || node.closest("svg")) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(node.textContent.trim().slice(0, 40) + " " + ratio.toFixed(2));
  }
  return bad;
}"""
TEXTS = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) if (walk.currentNode.data.trim()) found.push(walk.currentNode.data.trim());
  return found;
}"""
UNNAMED = """() => [...document.querySelectorAll("svg[role=img], span[role=img]")].filter(
  node => !(node.getAttribute("aria-label") || node.querySelector(":scope > title")?.textContent)).length"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with scene.a_city(tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest.fixture(scope="module")
def pages(city: Stand) -> Iterator[Pages]:
    agencies = inventories.load(ROOT / "inventories/production").agencies
    names = {agency.code: (agency.name_vi, agency.name_en) for agency in agencies}
    with Prometheus(city.prometheus) as prometheus:
        alertmanager = Alertmanager(city.alertmanager)
        yield Pages("test", prometheus, alertmanager, names)
        alertmanager.close()


@pytest.fixture(scope="module")
def address(pages: Pages) -> Iterator[str]:
    server = Server(("127.0.0.1", 0), pages.answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as made:
        chromium = made.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_a_page_fits_the_screen_can_be_read_and_is_named(
    browser: Browser, address: str, path: str, language: str, theme: str, screen: str
) -> None:
    width = SCREENS[screen]
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    answer = page.goto(f"{address}{path}?lang={language}")
    assert answer is not None
    assert answer.status == 200
    assert len(answer.body()) < 60_000
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.lang") == language
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(UNNAMED) == 0
    assert page.locator("h1").count() == 1
    assert page.locator("script").count() == 0
    assert complaints == []
    page.close()


@pytest.mark.parametrize("path", PATHS)
def test_nothing_but_names_is_the_same_in_both_languages(browser: Browser, address: str, path: str) -> None:
    texts = {}
    for language in ("vi", "en"):
        page = browser.new_page()
        page.goto(f"{address}{path}?lang={language}")
        texts[language] = set(page.evaluate(TEXTS))
        page.close()
    same = {text for text in texts["vi"] & texts["en"] if re.search(r"[^\W\d_]{2}", text)}
    # A chart's description is names with their values.
    same = {part for text in same for part in re.split(": |; ", text)}
    assert {text for text in same if not is_name(text)} == set()


def is_name(text: str) -> bool:
    """Whether a text is data of the scene: names of things, alerts in the words of their rules, units."""
    parts = re.split(r" · |, | / ", text)
    servers = {server for _, server, *_ in scene.SERVERS}
    things = servers | set(scene.HYPERVISORS) | set(scene.APIS) | set(scene.QUOTAS) | NAMES
    alert = re.search(r"(does not answer|of its cores|xlarge fit)$", text)
    code = re.fullmatch(r"[a-z]{1,2}-[a-z]+|[a-z]{4,9}|m1\.\w+|[A-Z]\w+[a-z][A-Z]\w+|web|\d[\d.]*", text)
    unit = re.fullmatch(r"[\d.,/ ]+( (GiB|TiB|MiB|ms|KiB|B))?", text)
    address = all(part in things or re.fullmatch(r"[\w.-]+", part) for part in parts)
    return bool(alert or code or unit or (len(parts) > 1 and address) or text in things)


def test_trouble_is_told_in_words(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/?lang=en")
    text = page.inner_text("main")
    for words in ("3 urgent alerts", "no answer: volume", "unreachable", "disabled", "1 down", "what to do"):
        assert words in text
    page.goto(f"{address}/capacity?lang=en")
    text = page.inner_text("main")
    for words in ("The loss of hv05 could not be absorbed", "41 days", "not in ten years", "1,472 GiB"):
        assert words in text
    page.close()


def test_the_forecast_goes_on_from_the_last_value_of_each_chart(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/capacity?lang=en")
    assert page.locator("path.line.s1").count() == 3
    for figure in page.locator("figure.chart").all():
        used = figure.locator("path.line.s1").get_attribute("d") or ""
        ahead = figure.locator("path.line.sforecast").get_attribute("d") or ""
        assert used.count("L") > 50
        assert ahead.split(" L")[0].removeprefix("M") == re.split("[ML]", used)[-1].strip()
    page.close()


def test_an_agency_reads_vietnamese_and_nothing_of_another(pages: Pages) -> None:
    body = page_of(pages, "/agency/soyt", {"accept-language": "en"})
    assert 'lang="vi"' in body
    assert "Sở Y tế" in body
    assert "ho-so-suc-khoe" in body
    for other in ("sotttt", "kho-du-lieu", "ngan-sach"):
        assert other not in body


def page_of(pages: Pages, path: str, headers: dict[str, str] | None = None) -> str:
    return pages.answer(Request(path, {}, headers or {})).body.decode()


def test_staff_read_their_browsers_language(pages: Pages) -> None:
    assert 'lang="en"' in page_of(pages, "/", {"accept-language": "en-GB,en;q=0.9"})
    assert 'lang="vi"' in page_of(pages, "/", {"accept-language": "fr"})


def test_an_unknown_page_or_agency_is_404(pages: Pages) -> None:
    for path in ("/nothing", "/agency/nobody", '/agency/x"} or vector(1) or {a="'):
        assert pages.answer(Request(path)).status == 404


def test_when_prometheus_is_down_the_last_facts_stay_with_their_age(city: Stand) -> None:
    now = [time.time()]
    prometheus, alertmanager = Prometheus(city.prometheus), Alertmanager(city.alertmanager)
    pages = Pages("test", prometheus, alertmanager, clock=lambda: now[0])
    assert pages.answer(Request("/capacity")).status == 200
    prometheus.close()
    pages.prometheus = Prometheus("http://127.0.0.1:1")
    now[0] += 600
    answer = pages.answer(Request("/capacity", {"lang": ("en",)}))
    assert answer.status == 200
    assert "This is what was known 10 min ago." in answer.body.decode()
    unread = pages.answer(Request("/slo", {"lang": ("en",)}))
    assert unread.status == 503
    assert "systemctl status prometheus" in unread.body.decode()
    pages.prometheus.close()
    alertmanager.close()


def test_the_role_gives_the_service_its_arguments_and_names(plain_site: Path) -> None:
    names = read_names(plain_site / "ctl1-agencies.json")
    assert names["stc"] == ('Sở "Tài chính" & Giá', "Department of Finance")
    command = (plain_site / "ctl1-ops-pages.service").read_text().split("ExecStart=")[1].replace("\\\n", " ")
    given = command.splitlines()[0].split()[1:]
    known = {option for parameter in main.params for option in parameter.opts}
    assert {part for part in given if part.startswith("--")} <= known
    assert "9184" in command


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": {"name_vi": "x"}}'])
def test_a_file_of_names_that_is_none_is_refused_with_its_path(tmp_path: Path, text: str) -> None:
    file = tmp_path / "agencies.json"
    file.write_text(text)
    with pytest.raises(SiteFileInvalid, match=r"agencies\.json.*name_vi"):
        read_names(file)
