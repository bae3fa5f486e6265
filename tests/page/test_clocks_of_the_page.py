"""The page's two clocks, fed by hand: the performance's by the best of many pings, the audio's by its least lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from web_jam import WebJam


def run(browser: Browser, jam: WebJam, body: str) -> Any:
    page = browser.new_page()
    page.goto(f"{jam.origin}/icon.svg")
    found = page.evaluate(f"async () => {{ const {{ FarClock, SteppedClock }} = await import('/js/clock.js'); {body} }}")
    page.close()
    return found


def test_the_ping_that_is_back_soonest_says_most(browser: Browser, jam: WebJam) -> None:
    body = """
      const clock = new FarClock();
      clock.heard(0, 100.35, 0.4);        // 0.4 s there and back: it may be wrong by 0.2
      clock.heard(1, 101.001, 1.002);
      for (let i = 2; i < 20; i++) clock.heard(i, 100 + i + 0.09, i + 0.1);
      return [clock.theirs(5), clock.ours(105), clock.doubt];"""
    theirs, ours, doubt = run(browser, jam, body)
    assert abs(theirs - 105) < 1e-9
    assert abs(ours - 5) < 1e-9
    assert abs(doubt - 0.001) < 1e-9


def test_a_clock_that_leapt_while_the_laptop_slept_is_believed_at_once(browser: Browser, jam: WebJam) -> None:
    body = """
      const clock = new FarClock();
      for (let i = 0; i < 10; i++) clock.heard(i, 100 + i, i + 0.002);
      clock.heard(10, 3710, 10.004);      // an hour passed there, and none here
      return [clock.theirs(11), clock.readings.length];"""
    theirs, readings = run(browser, jam, body)
    assert abs(theirs - 3710.998) < 1e-6
    assert readings == 1


def test_old_pings_give_way_as_clocks_drift(browser: Browser, jam: WebJam) -> None:
    body = """
      const clock = new FarClock();
      for (let i = 0; i < 120; i++) clock.heard(i, i * 1.00005 + 0.001, i + 0.002);
      return [clock.theirs(120) - 120 * 1.00005, clock.readings.length];"""
    off, readings = run(browser, jam, body)
    assert abs(off) < 0.001
    assert readings == 31


def test_the_audio_clock_is_read_between_its_steps(browser: Browser, jam: WebJam) -> None:
    body = """
      const clock = new SteppedClock();
      for (let ms = 0; ms < 2000; ms += 25) clock.read(5 + ms / 1000, Math.floor(ms / 20) * 0.02);
      const before = clock.theirs(7.0101);
      clock.read(8, 0.5);                 // it stood still: the tab slept
      return [before, clock.theirs(8.1)];"""
    before, after = run(browser, jam, body)
    assert abs(before - 2.0101) < 1e-9
    assert abs(after - 0.6) < 1e-9
