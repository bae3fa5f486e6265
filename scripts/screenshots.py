"""Pictures of the page while a real jam plays: laptop, tablet and phone, for the README and docs/playing.md.

    python scripts/screenshots.py docs

Needs Chromium and `pip install playwright`. A call is played on the page, improv answers, and the picture is taken in a moment when
both have played and improv's next notes are planned.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
CHANGES = "Dm7 | G7 | Cmaj7 | A7b9 | Dm7 | G7 | Em7b5 A7b9 | Dm7 G7"
SIZES = {"laptop": (1360, 850, 1.0), "tablet": (768, 1024, 1.0), "phone": (390, 844, 1.5)}  # width, height, pixels a point
PATIENCE = 300_000  # ms, on a machine that is busy
QUALITY = 88  # of a picture, of 100
PHRASES = [[62, 65, 69, 72, 71, 67, 64, 65, 62], [67, 71, 74, 77, 76, 72, 69, 67], [64, 67, 71, 74, 73, 69, 70, 67, 65, 62]]
PLAYER = """(phrases) => {
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const ours = () => Object.values(improv.store.scene.turns).some((t) => t.whose === "improv");
  (async () => {
    for (let round = 0; ; round++) {
      const phrase = phrases[round % phrases.length];
      for (let i = 0; i < phrase.length; i++) {
        improv.play(true, phrase[i], 70 + 10 * (i % 3));
        await wait(i % 2 ? 0.14 : 0.25);
        improv.play(false, phrase[i]);
        await wait(0.02);
      }
      while (!ours()) await wait(0.05);
      while (ours()) await wait(0.05);
    }
  })();
}"""
MOMENT = """(phone) => {
  const { store, roll, link } = improv;
  const now = link.now();
  const seen = store.notes.filter((n) => n.on > roll.from + 0.3);
  const planned = [...store.plan.values()].flat().filter((n) => n.time > now + 0.05);
  const turn = Object.values(store.scene.turns).some((t) => t.whose === "improv" && t.why);
  return turn && planned.length > 0
    && seen.filter((n) => n.heard).length >= (phone ? 1 : 4)
    && seen.filter((n) => !n.heard).length >= (phone ? 4 : 6);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go: page-laptop.webp and so on")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as own, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (width, height, scale) in SIZES.items():
            jam, link = begun(Path(own))
            try:
                page = opened(browser, link, width, height, scale)
                page.evaluate(PLAYER, PHRASES)
                page.wait_for_function(MOMENT, arg=name == "phone")
                told = write(page.screenshot(), folder / f"page-{name}.webp")
                print(told)
                page.close()
            finally:
                jam.send_signal(signal.SIGINT)
                jam.communicate(timeout=30)
        browser.close()


def begun(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A jam, and the link of its page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "improv", "jam", "--web", str(port), "--quiet", "--seed", "11", "--changes", CHANGES]
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "PYTHONUNBUFFERED": "1", "BROWSER": ""}
    jam = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert jam.stdout is not None
    for line in jam.stdout:
        if line.startswith("the page: "):
            return jam, line.removeprefix("the page: ").strip()
    raise SystemExit("the jam has ended: does `improv jam --web` work here?")


def opened(browser: Browser, link: str, width: int, height: int, scale: float) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale, has_touch=width < 1000)
    page.set_default_timeout(PATIENCE)
    page.goto(link)
    page.click(".begin")
    return page


def write(png: bytes, path: Path) -> str:
    """The picture as WebP, as small as it gets without being seen."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.save(path, quality=QUALITY, method=6)
    return f"{path}: {picture.width} x {picture.height}, {path.stat().st_size / 1000:.0f} kB"


if __name__ == "__main__":
    main()
