"""Play the four solos of docs/models.md again: each as a picture and as sound, of one take.

    pip install lameenc
    python scripts/four_solos.py docs            # writes solo-blues.png, solo-blues.mp3 and so on there

Each is a plain `improv solo`, and `--print` says the commands. The sound is the take's WAV, mono, at 22 kHz and 24 kbit/s.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

MINOR = "Dm7 | % | % | % | % | % | % | % | Ebm7 | % | % | % | % | % | % | % | Dm7 | % | % | % | % | % | % | %"
BALLAD = "Cmaj7 | A7 | Dm7 | G7 | Em7 | A7 | Dm7 | G7"
RHYTHM = "Bb6 G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Fm7 Bb7 | Eb6 Ebm6 | Dm7 G7 | Cm7 F7"
SOLOS = {  # by name: the options of `improv solo`
    "blues": ["--tune", "blues", "--tempo", "132", "--seed", "11"],
    "minor": ["--tempo", "200", "--seed", "12", "--changes", MINOR],
    "ballad": ["--tempo", "66", "--seed", "13", "--bars", "12", "--changes", BALLAD],
    "rhythm": ["--tempo", "240", "--seed", "14", "--bars", "32", "--changes", RHYTHM],
}
KBITS, EVERY = 24, 2  # of the MP3; one sample of so many is kept


def encoded(wav: Path) -> bytes:
    """A WAV as a small MP3."""
    import lameenc

    with wave.open(str(wav)) as file:
        channels, rate = file.getnchannels(), file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels).mean(1)
    window = np.hanning(2 * 16 + 3)[1:-1] * np.sinc(np.arange(-16, 17) / EVERY) / EVERY  # nothing above half the new rate
    kept = np.convolve(samples, window / window.sum(), "same")[::EVERY]
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(KBITS)
    encoder.set_in_sample_rate(rate // EVERY)
    encoder.set_channels(1)
    encoder.set_quality(2)
    encoder.silence()
    pcm = np.clip(kept, -32768, 32767).astype("<i2").tobytes()
    return bytes(encoder.encode(pcm)) + bytes(encoder.flush())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs"), help="where they go (default: docs)")
    parser.add_argument("--print", action="store_true", help="say the commands, and play nothing")
    args = parser.parse_args()
    for name, options in SOLOS.items():
        if args.print:
            print("improv solo", shlex.join(options), "--png solo.png --wav solo.wav")
            continue
        with tempfile.TemporaryDirectory() as folder:
            wav, picture = Path(folder) / "solo.wav", args.folder / f"solo-{name}.png"
            command = [sys.executable, "-m", "improv", "solo", *options, "--out", str(Path(folder) / "solo.mid")]
            subprocess.run([*command, "--png", str(picture), "--wav", str(wav)], check=True)
            sound = encoded(wav)
        (args.folder / f"solo-{name}.mp3").write_bytes(sound)
        print(f"solo-{name}.mp3: {len(sound):,} bytes")


if __name__ == "__main__":
    main()
