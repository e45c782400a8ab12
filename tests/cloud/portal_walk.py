"""The whole path of a clerk and an approver in a real browser, on this machine in the lab's network.

    python -m tests.cloud.portal_walk INVENTORY PEOPLE FOLDER

PEOPLE is a JSON file: `portal`, and by role `agency`, `name`, `password`. Prints JSON: what became of the
request, seconds of its phases, and what the server said over SSH. FOLDER gets screenshots, and each person's
token for programs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from infra.hosts.keys import write_whole

PATIENCE_SECONDS = 900
ENDS = {"fulfilled": "Hoàn thành", "failed": "Không thành công"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


class Walk:
    def __init__(self, browser: Browser, people: dict[str, Any], folder: Path) -> None:
        self.browser, self.people, self.folder = browser, people, folder
        self.shots = 0

    @contextmanager
    def as_person(self, role: str, language: str = "vi", **view: Any) -> Iterator[Page]:
        """A browser of one's own, signed in by the form."""
        who, portal = self.people[role], self.people["portal"]
        context = self.browser.new_context(viewport=view or DESKTOP, ignore_https_errors=True)
        page = context.new_page()
        page.goto(f"{portal}/sign-in?lang={language}")
        page.select_option("#agency", who["agency"])
        page.fill("#name", who["name"])
        page.fill("#password", who["password"])
        page.click("form button.main")
        page.wait_for_url(re.compile(r"/$"))
        yield page
        context.close()

    def shot(self, page: Page, name: str) -> None:
        self.shots += 1
        page.screenshot(path=str(self.folder / f"{self.shots:02}-{name}.png"), full_page=True)

    def told(self, page: Page, what: str) -> dict[str, Any]:
        """What the API says to who is signed in here, whatever the page itself does meanwhile."""
        answer: dict[str, Any] = page.request.get(f"{self.people['portal']}/api/v1/{what}").json()
        return answer

    def ask(self) -> tuple[str, str]:
        """(address of the request's page, private key)."""
        with self.as_person("member") as page:
            self.shot(page, "home")
            page.goto(f"{self.people['portal']}/catalog")
            self.shot(page, "catalog")
            page.goto(f"{self.people['portal']}/requests/new?item=web-server")
            page.click("button[value^='key:']")
            key = page.locator("#private-key").input_value()
            page.fill("#purpose", "Trang tiếp nhận hồ sơ trực tuyến của cơ quan")
            self.shot(page, "form")
            page.click("button[value=submit]")
            page.wait_for_url(re.compile(r"/requests/[0-9a-f-]{36}$"))
            self.shot(page, "request")
            return page.url, key

    def decide(self, request: str, verdict: str = "approve") -> None:
        with self.as_person("approver") as page:
            page.goto(f"{self.people['portal']}/approvals")
            self.shot(page, "approvals")
            page.goto(request.replace("/requests/", "/approvals/"))
            self.shot(page, "facts")
            page.check(f"input[name=verdict][value={verdict}]")
            page.fill("#reason", "Đúng kế hoạch năm")
            page.click("form.decide button.main")
            page.wait_for_url(re.compile(r"/approvals\?done=1$"))

    def follow(self, request: str) -> tuple[str, list[str]]:
        """(state, its steps as the page tells them), live, without the page being loaded again."""
        with self.as_person("member", **PHONE) as page:
            page.goto(request)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < deadline:
                state = self.told(page, f"requests/{request.rpartition('/')[2]}")["summary"]["state"]
                if state in ("fulfilled", "failed"):
                    break
                time.sleep(1)
            page.locator("main").get_by_text(ENDS[state]).first.wait_for()  # the page's own stream tells it
            self.shot(page, "fulfilled-phone")
            return state, page.locator("main").inner_text().splitlines()

    def deployment(self, request: str) -> dict[str, Any]:
        with self.as_person("member", "en") as page:
            page.goto(request)
            found = self.told(page, f"requests/{request.rpartition('/')[2]}")
            (id_,) = found["deployments"]
            page.goto(f"{self.people['portal']}/deployments/{id_}")
            self.shot(page, "deployment-en")
            told = self.told(page, f"deployments/{id_}")
            return {
                "id": id_,
                "steps": found["steps"],
                "address": told["summary"]["address"],
                "user": told["user"],
            }

    def screen(self, deployment: str) -> str:
        """What noVNC says beside the server's screen once it shows it; or why there is none."""
        with self.as_person("member") as page:
            page.goto(f"{self.people['portal']}/deployments/{deployment}")
            button = page.locator(f"form[action='/deployments/{deployment}/console'] button")
            if not button.count():
                return str(self.told(page, f"deployments/{deployment}")["no_screen"]["en"])
            with page.context.expect_page() as opened:
                button.click()
            opened.value.locator("#screen canvas:not([width='0'])").wait_for()
            self.shot(opened.value, "screen")
            return opened.value.locator("#status").inner_text()

    def token(self, role: str) -> None:
        """Leaves the person's token for programs in FOLDER, in a file of their role's name."""
        with self.as_person(role) as page:
            page.goto(f"{self.people['portal']}/account")
            page.fill("#token-name", "walk")
            for scope in page.locator("input[name=scopes]").all():
                scope.check()
            page.click("form[action='/account/tokens'] button.main")
            write_whole(self.folder / role, page.locator("code.secret").inner_text().encode(), 0o600)

    def give_back(self, deployment: str) -> str:
        with self.as_person("member") as page:
            page.goto(f"{self.people['portal']}/deployments/{deployment}")
            page.locator("form:has(input[name=action][value=retire]) button").click()
            self.shot(page, "give-back")
            page.locator("form:has(input[name=sure]) button.main").click()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (state := self.told(page, f"deployments/{deployment}")["summary"]["state"]) != "retired":
                if time.monotonic() > deadline:
                    break
                time.sleep(1)
            return str(state)


def ssh(folder: Path, key: str, user: str, address: str) -> str:
    """What the server says to who has the key that was shown once."""
    file = folder / "key"
    file.write_text(key.rstrip() + "\n")
    file.chmod(0o600)
    done = subprocess.run(
        ["ssh", "-i", file, "-o", "StrictHostKeyChecking=accept-new",
         "-o", f"UserKnownHostsFile={folder}/known", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
         "-o", "LogLevel=ERROR",
         f"{user}@{address}",
         "id -un; hostname; curl -s http://127.0.0.1/ | grep -c '<h1>'"],
        capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    file.unlink()
    return done.stdout + done.stderr


def main() -> None:
    people, folder = json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    told: dict[str, Any] = {}
    with sync_playwright() as made:
        browser = made.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        walk = Walk(browser, people, folder)
        request, key = walk.ask()
        asked = time.monotonic()
        walk.decide(request)
        approved = time.monotonic()
        told["state"], told["page"] = walk.follow(request)
        told["seconds"] = {"approve": approved - asked, "make": time.monotonic() - approved}
        if told["state"] == "fulfilled":
            found = walk.deployment(request)
            told |= {"deployment": found, "ssh": ssh(folder, key, found["user"], found["address"])}
            told["screen"] = walk.screen(found["id"])
            told["given_back"] = walk.give_back(found["id"])
        for role in people.keys() - {"portal"}:
            walk.token(role)
        browser.close()
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
