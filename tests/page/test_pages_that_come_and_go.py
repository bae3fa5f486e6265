"""The connection: who is let in, what happens when the server dies, and many pages at once."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from web_jam import WebJam

ANSWER = "improv.store.notes.filter((n) => !n.heard).map((n) => [n.id, n.pitch]).join()"
ANSWER_OVER = """() => improv.store.notes.some((n) => !n.heard) && improv.store.notes.every((n) => n.off !== null)
  && document.getElementById('who').textContent === 'You'"""


def test_a_page_comes_back_by_itself_after_the_server_was_killed(browser: Browser, own_jam: WebJam) -> None:
    from web_jam import call, opened, state

    page = opened(browser, own_jam.link)
    number = state(page, "improv.store.hello.page")
    assert number >= 1
    page.evaluate("() => { globalThis.seen = []; improv.store.on('link', () => seen.push(improv.store.link)); }")
    own_jam.kill_server()
    page.wait_for_function("() => seen.includes('lost') && improv.store.link === 'open'")
    page.wait_for_function("() => !document.getElementById('warnings').textContent.includes('lost')")
    page.wait_for_function("() => improv.link.clock.readings.length > 8")
    call(page)
    page.wait_for_function("() => improv.store.notes.some((n) => !n.heard)")
    page.close()


def test_the_music_goes_on_while_no_server_is_there(browser: Browser, own_jam: WebJam) -> None:
    from web_jam import opened

    page = opened(browser, own_jam.link)
    page.click("#pane-play [value=solo]")
    page.wait_for_function("() => (improv.store.scene.counts.played ?? 0) > 4")
    before = page.evaluate("() => improv.store.scene.counts.played")
    own_jam.kill_server()
    page.wait_for_function("() => improv.store.link === 'lost'")
    page.wait_for_function("() => improv.sound.level() < 0.001")  # what sounded here does not hang
    page.wait_for_function("(n) => improv.store.link === 'open' && improv.store.scene.counts.played > n", arg=before)
    page.wait_for_function("() => improv.store.notes.some((n) => !n.heard && n.off === null)")
    page.close()


def test_ten_pages_on_one_jam_show_the_same(browser: Browser, own_jam: WebJam) -> None:
    from web_jam import call, opened

    context = browser.new_context(viewport={"width": 360, "height": 640}, reduced_motion="reduce")
    pages = [opened(context, own_jam.link, begin=False) for _ in range(10)]
    pages[0].wait_for_function("() => improv.store.scene.pages === 10")
    pages[0].click(".begin")
    call(pages[0])
    pages[0].wait_for_function(ANSWER_OVER)
    answer = pages[0].evaluate(f"() => {ANSWER}")
    for page in pages:
        page.wait_for_function("() => improv.store.notes.filter((n) => n.heard).map((n) => n.pitch).join() === '60,62,64,65,67,69,67'")
        page.wait_for_function(f"(answer) => {ANSWER} === answer", arg=answer)
    context.close()


@pytest.mark.parametrize("token", ["", "#wrongwrongwrongwrong"])
def test_a_link_with_a_wrong_token_is_told_why_and_gets_nothing(browser: Browser, jam: WebJam, token: str) -> None:
    from web_jam import PATIENCE

    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{jam.origin}/{token}")
    page.wait_for_function("() => improv.store.link === 'refused'")
    assert page.inner_text("#warnings").strip()
    page.wait_for_function("() => improv.link.socket === null && improv.link.timer === null")  # it does not try again
    assert page.evaluate("() => [improv.store.scene.title, improv.store.hello.settings.length]") == ["", 0]
    context.close()


def test_a_watching_link_shows_all_and_steers_nothing(browser: Browser, jam: WebJam) -> None:
    from web_jam import call, opened

    page = opened(browser, jam.link)
    watch = opened(browser.new_context(reduced_motion="reduce"), jam.watch_link, begin=False)
    for name in ("#desk", "#panic", "#piano"):
        assert not watch.is_visible(name)
    watch.keyboard.press("KeyQ")
    assert watch.evaluate("() => improv.link.ask({ do: 'set', name: 'density', value: 1 }).then(() => '', (e) => e.message)")
    call(page)
    watch.wait_for_function("() => improv.store.notes.filter((n) => n.heard).map((n) => n.pitch).join() === '60,62,64,65,67,69,67'")
    assert page.evaluate("() => improv.store.settings.density") == 0
    watch.click("#listen")
    watch.wait_for_function("() => improv.sound.level() > 0.01")
    page.close()
    watch.context.close()


class _Stranger(BaseHTTPRequestHandler):
    """A page of another site."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title>")

    def log_message(self, *_: object) -> None:
        pass


def test_a_page_of_another_site_is_not_let_in(browser: Browser, jam: WebJam) -> None:
    site = ThreadingHTTPServer(("127.0.0.1", 0), _Stranger)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    page = browser.new_page()
    page.goto(f"http://localhost:{site.server_port}/")
    script = """([url, token]) => new Promise((done) => {
      const socket = new WebSocket(url);
      socket.onopen = () => socket.send(JSON.stringify({ type: "join", token, version: 1 }));
      socket.onmessage = (event) => done(event.data);
      socket.onerror = () => done("refused");
    })"""
    origin, token = jam.link.split("/#")
    assert page.evaluate(script, [origin.replace("http", "ws") + "/socket", token]) == "refused"
    page.close()
    site.shutdown()
    site.server_close()


def test_an_hour_of_notes_leaves_the_page_as_small_as_it_was(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened

    page = opened(browser, jam.link)
    hour = """() => {
      const { link, store, sound } = improv;
      const elements = () => document.querySelectorAll("*").length;
      const before = elements();
      const began = link.now() - 3600;
      for (let i = 0; i < 3600 * 4; i++) {
        const time = began + i / 4;
        const note = { id: 1e6 + i, source: "improv", pitch: 50 + (i % 30) };
        link.on_notes({ events: [{ ...note, is: "on", time, velocity: 80, tone: "chord" }] });
        link.on_notes({ events: [{ ...note, is: "off", time: time + 0.1 }], plans: { improv: [] } });
        if (i % 2 === 0) link.on_scene({ beat: { time, position: i / 2, tempo: 120, running: true } });
        if (i % 40 === 0) link.on_said({ text: `line ${i}`, warning: true });
        if (i % 200 === 0) { store.prune(time); sound.look(); }
      }
      store.prune(link.now());
      sound.look();
      const { notes, anchors, saidLines } = store;
      return [notes.length, anchors.length, saidLines.length, sound.voices.size, sound.placed.length, elements() - before];
    }"""
    notes, anchors, lines, voices, placed, elements = page.evaluate(hour)
    assert notes <= 500
    assert anchors <= 130
    assert lines <= 20
    assert voices <= 500
    assert placed <= 200
    assert elements <= 4
    page.close()
