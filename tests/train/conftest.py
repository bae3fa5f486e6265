"""What makes training short, for tests that ask something else than how well it learns."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras trains without graphs: where few steps are taken, tracing them costs more than taking them."""
    keras = pytest.importorskip("keras", reason="training is an extra: pip install '.[train]'")
    compiled = keras.Model.compile

    def compile_eagerly(self: Any, *args: Any, **more: Any) -> None:
        compiled(self, *args, **more | {"run_eagerly": True})

    monkeypatch.setattr(keras.Model, "compile", compile_eagerly)


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phrase ends are fitted in two short rounds, not sixteen long ones."""
    from improv.train import finish, phrase_ends

    monkeypatch.setattr(finish, "fit_ends", partial(phrase_ends.fit_ends, rounds=2))
    monkeypatch.setattr(phrase_ends, "STEPS", 2)
