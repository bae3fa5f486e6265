"""Titles for what was recorded: a model of texts draws, within words that it knows. Pure.

A title is made of words that occur in the titles it learned from, has the shape of some of them, and is none of them. What a
word may begin with, the shapes and the titles are kept as sets of numbers, 32 bits of each SHA-256, so that no list of titles
is shipped: the first make a mask for the draw, the others judge it. Drawn in small letters; `spelled` gives capitals.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import numpy as np

from improv.titles.characters import END, Alphabet, CharacterError, CharacterModel, write

LETTERS = Alphabet(END + " '-abcdefghijklmnopqrstuvwxyz")
SHORTEST, LONGEST = 3, 32  # characters
DRAWS = 40
FIRST = re.compile(r"^('?(?:o'|d'|mc)?)([a-z])")  # the letter of a word that is raised, and what stands before it
# Small within a title.
INSIDE = frozenset({"a", "an", "and", "at", "by", "de", "for", "from", "in", "of", "on", "or", "the", "to", "with"})
ARTICLES = frozenset({"a", "an", "the"})
# Nothing ends with one of these.
OPEN = INSIDE | {"as", "but", "he", "he's", "i", "i'll", "i'm", "if", "is", "it's", "la", "le", "mr", "mrs", "my", "o", "oh", "our"}
OPEN |= {"she", "st", "that", "they", "we", "what", "when", "where", "who", "you", "your"}
# The words that make the shape of a title, with those before.
LITTLE = OPEN | {
    "all",
    "am",
    "are",
    "be",
    "been",
    "can",
    "down",
    "ever",
    "had",
    "her",
    "here",
    "him",
    "his",
    "how",
    "it",
    "me",
    "more",
    "no",
    "not",
}
LITTLE |= {
    "now",
    "off",
    "one",
    "out",
    "over",
    "shall",
    "so",
    "than",
    "thee",
    "them",
    "then",
    "there",
    "this",
    "till",
    "us",
    "was",
    "were",
    "why",
    "will",
}


class Titles:
    """A model of texts, with what judges its draws.

    card: its `draw` has temperature and top_p. weights: the numbers of the titles it learned from, `known`, of what words
    may begin with, `spellings`, and of the shapes a title may have, `shapes`. Raises CharacterError.
    """

    def __init__(self, model: CharacterModel, weights: Mapping[str, np.ndarray]):
        name = model.card["name"]
        if model.alphabet != LETTERS:
            raise CharacterError(f"{name}: is no model of titles: it has other symbols")
        try:
            draw = model.card["draw"]
            self.temperature, self.top_p = float(draw["temperature"]), float(draw["top_p"])
            numbers = (frozenset(weights[key].astype(np.uint32).ravel().tolist()) for key in ("known", "spellings", "shapes"))
            self.known, self.spellings, self.shapes = numbers
        except (KeyError, TypeError, ValueError) as e:
            raise CharacterError(f"{name}: is no model of titles ({type(e).__name__}: {e})") from None
        if not (0 < self.temperature <= 10 and 0 < self.top_p <= 1):
            raise CharacterError(f"{name}: draw has a temperature of {self.temperature:g} and a top_p of {self.top_p:g}")
        self.model = model
        self._biases: dict[str, np.ndarray] = {}  # by the last word, as far as it goes

    def draw(self, rng: np.random.Generator) -> str | None:
        """A title with its capitals; None where DRAWS draws gave none."""
        for _ in range(DRAWS):
            text = self.raw(rng)
            if not self.wrong(text):
                return spelled(text)
        return None

    def raw(self, rng: np.random.Generator) -> str:
        """One draw within the mask, whatever it is."""
        return write(self.model, rng, "", self.temperature, self.top_p, LONGEST + 1, bias=self.bias)

    def wrong(self, text: str) -> str | None:
        """Why a draw is no title: "length", "shape" (one word, or a shape that no title had), "twice" (the same word), "copy";
        None where it is one."""
        words = text.split()
        if not SHORTEST <= len(text) <= LONGEST:
            return "length"
        if len(words) < 2 or number_of(shape_of(text)) not in self.shapes:
            return "shape"
        if len(set(words) - INSIDE) < len([word for word in words if word not in INSIDE]):
            return "twice"
        return "copy" if number_of(text) in self.known else None

    def bias(self, text: str) -> np.ndarray:
        """What may follow a text, (len(LETTERS),): -inf for what would make a word that no title had, or end as none does."""
        word = text[text.rfind(" ") + 1 :]
        if word not in self._biases:
            bias = self._biases[word] = np.full(len(LETTERS), -np.inf)
            whole = number_of(word + " ") in self.spellings
            for value, symbol in enumerate(LETTERS.symbols):
                ends = symbol in (END, " ")
                if (whole and not (symbol == END and word in OPEN)) if ends else number_of(word + symbol) in self.spellings:
                    bias[value] = 0.0
        return self._biases[word]


def plain(title: str) -> str:
    """A title as the model sees it: small letters, spaces, hyphens and apostrophes; no remark in brackets, no dots or commas.

    "Swallow'S Tail, The (Lancashire)" is "the swallow's tail". Empty where nothing is left.
    """
    text = re.sub(r"[({].*?[)}]|[({].*|[:\"]| - .*|- \w+$", "", title).strip(" ,-")
    if turned := re.fullmatch(r"(.*\S)[, ]\s*(The|A|An)", text):
        text = f"{turned[2]} {turned[1]}"
    text = re.sub(r"[,;.!?]", "", text.lower().replace("’", "'").removeprefix("or "))
    return " ".join(text.split()).strip(" -") if set(text) <= set(LETTERS.symbols) else ""


def spellings_of(titles: Iterable[str]) -> set[str]:
    """What the words of titles begin with, and each whole word with a space after it."""
    words = {word for title in titles for word in title.split()}
    return {word[:n] for word in words for n in range(1, len(word) + 1)} | {word + " " for word in words}


def shape_of(title: str) -> str:
    """A title with its own words taken out, but for what stands before an article, which is often a verb.

    "the piper of molly's glen" is "the * of *'s *", "kiss the bride" is "kiss the *".
    """
    words = title.split()
    kept = [word in LITTLE or after in ARTICLES for word, after in zip(words, [*words[1:], ""], strict=True)]
    stars = ("*'s" if word.endswith(("'s", "s'")) else "*" for word in words)
    return " ".join(word if keep else star for word, keep, star in zip(words, kept, stars, strict=True))


def number_of(text: str) -> int:
    """32 bits of a text's SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def numbers_of(texts: Iterable[str]) -> np.ndarray:
    """The numbers of texts, each once, in their order, uint32."""
    return np.array(sorted({number_of(text) for text in texts}), np.uint32)


def spelled(text: str) -> str:
    """With the capitals of a title: "the piper of o'neil's glen" is "The Piper of O'Neil's Glen"."""
    words = text.split()
    last = len(words) - 1
    return " ".join(word if word in INSIDE and 0 < i < last else _capital(word) for i, word in enumerate(words))


def _capital(word: str) -> str:
    """Of a word, and of its parts between hyphens: "fly-by-night" is "Fly-by-Night"."""
    first, *rest = word.split("-")
    return "-".join([FIRST.sub(_raised, first), *(part if part in INSIDE else FIRST.sub(_raised, part) for part in rest)])


def _raised(found: re.Match[str]) -> str:
    before = found[1]
    if before == "mc":
        before = "Mc"
    elif before[-2:] in ("o'", "d'") and len(before) == 2:
        before = before.upper()
    return before + found[2].upper()
