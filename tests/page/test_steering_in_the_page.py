"""What is changed in one page arrives, and comes back in every other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import mido

from improv.core.settings import SETTINGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from web_jam import WebJam

CHANGED = "([name, value]) => improv.store.settings[name] === value"


def test_every_setting_that_is_changed_in_a_page_comes_back_in_another(browser: Browser, jam: WebJam) -> None:
    from web_jam import opened, state

    page, other = opened(browser, jam.link), opened(browser, jam.link)
    for each in (page, other):
        each.click("#tab-settings")
    rows = page.locator(".pane:not([hidden]) [data-setting]")
    assert [rows.nth(i).get_attribute("data-setting") for i in range(rows.count())] == [
        name for group in state(page, "Object.keys(improv.store.hello.groups)") for name, row in SETTINGS.items() if row.group == group
    ]
    for name, row in SETTINGS.items():
        if name == "clock":
            continue  # another clock would stop the beat
        here, there = (each.locator(f".pane:not([hidden]) [data-setting='{name}']") for each in (page, other))
        assert row.help.split(";")[0].split(".")[0] in here.locator(".help").inner_text()
        if row.is_word:
            value = row.limits[1]
            if here.locator("select").count():
                here.locator("select").select_option(value)
            else:
                here.locator(f"input[value='{value}']").check(force=True)
        else:
            here.locator("input").focus()
            page.keyboard.press("ArrowLeft" if row.default == row.limits[1] else "ArrowRight")
            value = state(page, f"Number(document.querySelector('.pane:not([hidden]) [data-setting={name}] input').value)")
            assert value != row.default
        other.wait_for_function(CHANGED, arg=[name, value])
        page.wait_for_function(CHANGED, arg=[name, value])
        if row.is_word:
            assert there.locator("select").input_value() == value if there.locator("select").count() else True
        else:
            assert float(there.locator("output").inner_text()) == value
        here.locator(".reset").click()
        other.wait_for_function(CHANGED, arg=[name, row.default])
    page.close()
    other.close()


def test_changes_are_read_while_they_are_typed(browser: Browser, own_jam: WebJam) -> None:
    from web_jam import opened, state

    page, other = opened(browser, own_jam.link), opened(browser, own_jam.link, begin=False)
    assert page.input_value("#changes") == "Dm7 | G7 | Cmaj7 | A7"
    page.fill("#changes", "Dm7 | Gx7")
    page.wait_for_selector("#changes[aria-invalid]")
    assert "Gx7" in page.inner_text("#changes-told")
    assert page.is_disabled("text=Play these")
    page.fill("#changes", "Fmaj7 | Bb7 Eb7")
    page.wait_for_selector("#changes-told:text-is('2 bars')")
    page.keyboard.press("Control+Enter")
    other.wait_for_function("() => improv.store.scene.chart.text === 'Fmaj7 | Bb7 Eb7'")
    other.wait_for_function("() => document.querySelectorAll('.bar').length === 2")
    assert state(other, "[...document.querySelectorAll('.bar')].map((b) => b.textContent)") == ["1Fmaj7", "2B♭7E♭7"]
    page.fill("#mood", "hope")
    page.keyboard.press("Enter")
    other.wait_for_function("() => improv.store.scene.chart.text !== 'Fmaj7 | Bb7 Eb7'")
    page.select_option("#model", "pocket")
    other.wait_for_function("() => improv.store.scene.performers.improv.model === 'pocket'")
    page.close()
    other.close()


def test_what_is_kept_can_be_recalled_and_captured(browser: Browser, own_jam: WebJam, tmp_path: Path) -> None:
    from web_jam import call, opened

    page = opened(browser, own_jam.link)
    page.evaluate("() => improv.link.ask({ do: 'set', name: 'density', value: 1 })")
    page.wait_for_function(CHANGED, arg=["density", 1])
    page.click("#tab-keep")
    for label, name in (("Keep these settings as", "busy"), ("Keep this moment as", "first chorus")):
        page.fill(f"[aria-label='{label}']", name)
        page.keyboard.press("Enter")
        page.wait_for_selector(f".chip:text-is('{name}')")
    page.evaluate("() => improv.link.ask({ do: 'set', name: 'density', value: -1 })")
    page.wait_for_function(CHANGED, arg=["density", -1])
    page.click(".chip:text-is('busy')")
    page.wait_for_function(CHANGED, arg=["density", 1])
    page.click(".chip:text-is('first chorus')")
    page.fill("[aria-label^='What to write']", "that was good")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Marked")
    page.evaluate("() => document.activeElement.blur()")  # away from the field: letters are notes again
    call(page)
    page.wait_for_function("() => improv.store.notes.some((n) => !n.heard)")
    page.fill("#bars", "8")
    with page.expect_download() as download:
        page.click("button:text-is('Capture')")
    saved = tmp_path / "capture.mid"
    download.value.save_as(saved)
    assert download.value.suggested_filename.endswith(".mid")
    pitches = [m.note for t in mido.MidiFile(saved).tracks for m in t if m.type == "note_on" and m.velocity]
    assert pitches[:7] == [60, 62, 64, 65, 67, 69, 67]
    assert page.get_attribute("a.file", "draggable") == "true"
    page.close()


def test_sessions_are_listed_looked_at_listened_to_and_answered_anew(browser: Browser, own_jam: WebJam, tmp_path: Path) -> None:
    from web_jam import call, opened, state

    page = opened(browser, own_jam.link)
    call(page)
    page.wait_for_function("() => improv.store.notes.some((n) => !n.heard)")
    page.wait_for_function("() => improv.store.notes.every((n) => n.off !== null) && improv.sound.level() < 0.001")
    page.click("#tab-sessions")
    page.wait_for_selector(".session")
    assert page.locator(".session strong").all_inner_texts() == [page.inner_text("#title")]
    page.click("[aria-label^='Listen']")
    page.wait_for_selector("canvas.take")
    page.wait_for_function("() => improv.sound.level() > 0.01")
    page.click("[aria-label^='Listen']")
    page.wait_for_function("() => improv.sound.level() < 0.001")
    for act in (
        lambda: page.click("[aria-label^='Download MIDI']"),
        lambda: page.select_option(".again", "pocket"),
    ):
        with page.expect_download() as download:
            act()
        saved = tmp_path / "session.mid"
        download.value.save_as(saved)
        assert {t.name for t in mido.MidiFile(saved).tracks} >= {"player", "improv"}
    assert state(page, "document.querySelectorAll('.toast.bad').length") == 0
    page.close()
