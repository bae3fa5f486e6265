"""Anyone can use the page: by axe's rules, by the keys alone, without motion, at every size, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from web_jam import WebJam

SIZES = {"laptop": (1440, 900), "tablet": (820, 1180), "phone": (390, 844), "phone on its side": (844, 390)}

STOOD_STILL = """() => {
  const { roll, link } = improv;
  if (globalThis.stood?.from !== roll.from) globalThis.stood = { from: roll.from, since: link.now() };
  return link.now() > globalThis.stood.since + 0.5;
}"""


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Browser, jam: WebJam):  # type: ignore[no-untyped-def]
    from web_jam import opened

    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = opened(context, jam.link, begin=False)
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def test_axe_finds_nothing_in_any_tab_at_any_size(page: Page) -> None:
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        pytest.skip("axe-playwright-python is not installed (pip install axe-playwright-python)")
    axe = Axe()

    def look(where: str) -> list[tuple[str, str, str]]:
        found = axe.run(page).response["violations"]
        return [(where, one["id"], node["html"][:200]) for one in found for node in one["nodes"]]

    found = look("welcome")
    page.click(".begin")
    for tab in page.locator(".tab:visible").all():
        tab.click()
        found += look(tab.inner_text())
        page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")  # nothing sticks out
        box = page.locator("#panic").bounding_box()
        assert box is not None
        assert box["height"] >= 44
    assert found == []
    assert page.complaints == []  # type: ignore[attr-defined]  # the Content-Security-Policy among them


def test_the_page_can_be_used_by_its_keys_alone(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened

    page = opened(browser, jam.link, begin=False)
    page.keyboard.press("Enter")  # Start
    page.wait_for_function("() => improv.sound.running && !document.querySelector('dialog')")
    page.focus("#tab-play")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#pane-settings:not([hidden])")
    page.keyboard.press("End")
    page.wait_for_selector("#pane-sound:not([hidden])")
    page.keyboard.press("Home")
    page.wait_for_selector("#pane-play:not([hidden])")
    page.focus("#pane-play [value=trade]")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => improv.store.settings.mode === 'solo'")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => improv.store.settings.mode === 'trade'")
    reached = page.evaluate("""() => [...document.querySelectorAll("button, input, select, textarea")]
      .filter((e) => e.checkVisibility() && e.tabIndex < 0 && !e.closest(".board, .tabs")).map((e) => e.outerHTML)""")
    assert reached == []
    page.close()


def test_nothing_scrolls_where_the_system_asks_for_no_motion(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened

    context = browser.new_context(reduced_motion="reduce")
    page = opened(context, jam.link)
    page.wait_for_function(STOOD_STILL)  # the window stands; the line moves in it
    context.close()


def test_whose_turn_it_is_is_spoken(browser: Browser, jam: WebJam) -> None:
    from web_jam import call, opened

    page = opened(browser, jam.link)
    page.evaluate("""() => {
      globalThis.spoken = [];
      const said = document.getElementById("said");
      new MutationObserver(() => spoken.push(said.textContent)).observe(said, { childList: true });
    }""")
    call(page)
    page.wait_for_function("() => spoken.includes('improv plays') && spoken.at(-1) === 'Your turn'")
    assert page.get_attribute("#said", "aria-live") == "polite"
    page.close()


def test_the_page_asks_nobody_but_its_own_server(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened

    context = browser.new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = opened(context, jam.link)
    for tab in page.locator(".tab:visible").all():
        tab.click()
    assert asked
    assert [url for url in asked if not url.startswith((jam.origin, "blob:"))] == []
    context.close()


def test_the_token_does_not_stay_in_the_address(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened

    page = opened(browser, jam.link)
    assert page.url == f"{jam.origin}/"
    page.reload()
    page.wait_for_function("() => globalThis.improv?.store.link === 'open'")
    page.close()
