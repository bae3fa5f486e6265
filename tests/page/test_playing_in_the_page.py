"""A player with a browser and nothing else: what they play is answered, and sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from web_jam import WebJam

ANSWERED = "() => improv.store.notes.some((n) => !n.heard)"
# Of the note that is planned first: whether its outline, and no filled note, is in the picture.
OUTLINED = """() => {
  const { roll, store } = improv;
  const now = roll.now();
  const note = [...store.plan.values()].flat().find((n) => n.time > now + 0.03 && n.time < roll.until - 0.2);
  if (!note || store.notes.some((n) => n.id === note.id)) return null;
  roll.picture();
  const scale = roll.canvas.width / roll.width;
  const [x, y] = [roll.x(note.time), roll.y(note.pitch)];
  const at = (dx, dy) => [...roll.context.getImageData(Math.round((x + dx) * scale), Math.round((y + dy) * scale), 1, 1).data];
  const bright = (p) => Math.max(...p.slice(0, 3));
  let edge = 0;
  for (let dx = -2; dx <= 3; dx += 0.5) edge = Math.max(edge, bright(at(dx, roll.lane / 2)));
  const width = roll.x(note.end) - x;
  return { id: note.id, edge, inside: width > 8 ? bright(at(width / 2, roll.lane / 2)) : 0 };
}"""


def test_a_call_on_the_computers_keys_is_answered_and_sounds(browser: Browser, jam: WebJam) -> None:
    from web_jam import call, opened, state

    page = opened(browser, jam.link)
    page.keyboard.down("KeyQ")
    page.wait_for_function("() => improv.sound.level() > 0.01")  # the player's own note, at once
    page.keyboard.up("KeyQ")
    page.wait_for_function("() => improv.sound.level() < 0.001")
    call(page)
    page.wait_for_function(ANSWERED)
    page.wait_for_function("() => improv.store.notes.some((n) => !n.heard && n.off === null) && improv.sound.level() > 0.01")
    assert state(page, "improv.store.notes.filter((n) => n.heard).map((n) => n.pitch)")[1:] == [60, 62, 64, 65, 67, 69, 67]
    page.wait_for_function("() => document.getElementById('who').textContent === 'You' && improv.store.notes.every((n) => n.off !== null)")
    page.wait_for_function("() => improv.sound.level() < 0.001")  # nothing is left sounding
    page.close()


def test_the_plan_is_drawn_before_it_sounds(browser: Browser, jam: WebJam) -> None:
    from web_jam import call, opened, state

    page = opened(browser.new_context(reduced_motion="no-preference"), jam.link)
    call(page)
    seen = page.wait_for_function(OUTLINED).json_value()
    assert seen["edge"] > 110 > seen["inside"]
    page.wait_for_function("(id) => improv.store.notes.some((n) => n.id === id)", arg=seen["id"])
    assert all(abs(off) < 0.002 for off in state(page, "improv.sound.placed"))
    page.close()


def test_a_bands_drums_are_no_pitches_and_the_soloist_leads(browser: Browser, tmp_path: Path) -> None:
    from web_jam import WebJam, opened, state

    jam = WebJam(tmp_path, "--mode", "solo", "--band", "--changes", "Dm7 | G7 | Cmaj7 | A7")
    try:
        page = opened(browser, jam.link)
        page.wait_for_function(
            "() => [...improv.sound.voices.values()].filter((v) => v.source === 'drums').length > 3 && improv.roll.drawn.drums > 3"
        )
        page.wait_for_function(
            "() => improv.store.plan.get('improv')?.length > 0 && document.getElementById('who').textContent === 'improv'"
        )
        assert state(page, "[...new Set([...improv.sound.voices.values()].filter((v) => v.source === 'drums').map((v) => v.channel))]") == [
            9
        ]
        page.close()
    finally:
        jam.close()


def test_a_note_that_ends_before_it_begins_is_silent(browser: Browser, jam: WebJam) -> None:
    """As a note does whose end was known late, on an audio clock that is a little behind."""
    from web_jam import opened, state

    page = opened(browser, jam.link)
    for attack in (0, 0.1):
        gone = f"""(() => {{
          const now = improv.link.now(), sound = improv.sound;
          sound.start({{ id: -1, source: 'improv', pitch: 60, velocity: 90, at: performance.now() / 1000 + 0.3, begun: true }});
          sound.voices.get(-1).note.t2 = sound.voices.get(-1).note.t + {attack};
          sound.release(-1, now);
          return sound.voices.get(-1).released !== null;
        }})()"""
        assert state(page, gone)
    page.close()


def test_panic_silences_the_page_and_the_performance_at_once(browser: Browser, own_jam: WebJam) -> None:
    from web_jam import call, opened

    page, other = opened(browser, own_jam.link), opened(browser, own_jam.link)
    page.click("#pane-play [value=solo]")
    for each in (page, other):
        each.wait_for_function("() => improv.store.notes.some((n) => !n.heard && n.off === null)")
    page.keyboard.press("Escape")
    for each in (page, other):
        each.wait_for_function("() => improv.store.notes.every((n) => n.off !== null) && improv.store.plan.size === 0")
        each.wait_for_function("() => improv.sound.level() < 0.001")
    page.click("text=Go on playing")
    page.wait_for_function("() => improv.store.notes.some((n) => !n.heard && n.off === null)")
    page.click("#pane-play [value=trade]")
    page.wait_for_function("() => improv.store.settings.mode === 'trade'")
    call(page)
    other.wait_for_function("() => improv.store.notes.some((n) => n.heard && n.pitch === 69)")
    page.close()
    other.close()


def test_a_piano_on_the_screen_plays_where_it_is_touched(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened, state

    page = opened(browser, jam.link)
    page.wait_for_selector(".key[data-pitch='60']")
    box = page.locator(".key[data-pitch='60']").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 6)
    page.mouse.down()
    page.wait_for_selector(".key[data-pitch='60'][data-lit='you']")
    page.mouse.move(box["x"] + box["width"] * 1.5, box["y"] + box["height"] - 6)  # on to the next key, as a finger slides
    page.wait_for_selector(".key[data-pitch='62'][data-lit='you']")
    page.mouse.up()
    page.wait_for_function("() => improv.store.notes.every((n) => n.off !== null || !n.heard)")
    notes = state(page, "improv.store.notes.filter((n) => n.heard).map((n) => [n.pitch, n.velocity > 90])")
    assert notes == [[60, True], [62, True]]
    page.close()


def test_the_octave_moves_and_no_key_is_left_down(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened, state

    page = opened(browser, jam.link)
    page.keyboard.down("KeyZ")
    page.keyboard.press("BracketRight")
    page.keyboard.up("KeyZ")
    page.keyboard.press("KeyZ")
    page.keyboard.down("Comma")
    page.evaluate("() => dispatchEvent(new Event('blur'))")  # another window comes: no key-up will
    page.keyboard.down("Shift")
    page.keyboard.press("KeyX")
    page.keyboard.up("Shift")
    notes = state(page, "improv.store.notes.filter((n) => n.heard).map((n) => [n.pitch, n.velocity, n.off !== null])")
    assert notes == [[48, 90, True], [60, 90, True], [72, 90, True], [62, 117, True]]
    page.close()


def test_letters_that_are_written_are_no_notes(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened, state

    page = opened(browser, jam.link)
    page.click("#mood")
    page.keyboard.type("zxc")
    page.keyboard.press("Control+KeyZ")
    assert state(page, "improv.store.notes.filter((n) => n.heard).length") == 0
    page.close()


@pytest.fixture
def fake_midi(browser: Browser, jam: WebJam):  # type: ignore[no-untyped-def]
    from web_jam import FAKE_MIDI, opened

    context = browser.new_context()
    context.add_init_script(FAKE_MIDI)
    page = opened(context, jam.link)
    page.click("#tab-sound")
    page.click("text=Use MIDI of this machine")
    page.wait_for_selector("#midi-in")
    yield page
    context.close()


def test_a_keyboard_and_a_synth_that_hang_on_the_browser(fake_midi, browser: Browser, jam: WebJam) -> None:  # type: ignore[no-untyped-def]
    from web_jam import opened, rest, state

    page, other = fake_midi, opened(browser, jam.link, begin=False)
    assert page.input_value("#midi-in") == "in"  # there is one, so it is taken
    page.select_option("#midi-out", "out")
    for pitch in (62, 64, 65, 67, 69):
        page.evaluate("(p) => fakeMidi.send(0x90, p, 100)", pitch)
        rest(page, 0.2)
        page.evaluate("(p) => fakeMidi.send(0x80, p, 0)", pitch)
    other.wait_for_function("() => improv.store.notes.filter((n) => n.heard).map((n) => n.pitch).join() === '62,64,65,67,69'")
    page.wait_for_function("() => fakeMidi.output.sent.some(([status]) => (status & 0xf0) === 0x90)")
    page.click("#panic")
    page.wait_for_function("() => fakeMidi.output.sent.some(([status, first]) => status === 0xb1 && first === 120)")
    sent = state(page, "fakeMidi.output.sent")
    down: set[int] = set()
    for status, first, *_ in sent:
        if status & 0xF0 == 0x90:
            down.add(first)
        elif status & 0xF0 == 0x80:
            down.discard(first)
        elif [status, first] == [0xB1, 120]:
            down.clear()
    assert down == set()
    other.close()


def test_a_knob_learns_the_controller_that_moves(fake_midi) -> None:  # type: ignore[no-untyped-def]
    page = fake_midi
    page.click("#tab-settings")
    row = page.locator(".pane:not([hidden]) [data-setting='density']")
    row.locator(".learn").click()
    row.locator(".learn[data-state='waiting']").wait_for()
    page.evaluate("() => { fakeMidi.send(0xb0, 21, 10); fakeMidi.send(0xb0, 21, 127); }")
    row.locator(".learn[data-state='bound']").wait_for()
    page.evaluate("() => fakeMidi.send(0xb0, 21, 127)")
    page.wait_for_function("() => improv.store.settings.density === 2")
    assert row.locator("output").inner_text() == "2"
    row.locator(".learn").click()
    row.locator(".learn[data-state='free']").wait_for()
    row.locator(".reset").click()
    page.wait_for_function("() => improv.store.settings.density === 0")
