"""From what was asked for to how a training goes: its figures within their limits, its network, where its members start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from improv.core.errors import ImprovError
from improv.models.grammar_model import refuse_grammar
from improv.models.loader import load_model, stored_vector, stored_weights
from improv.train.fine_tune import begin
from improv.train.finish import Begun
from improv.train.fit import FitConfig, Start
from improv.train.network.keras_network import NETWORKS, NetworkConfig
from improv.train.recipe import Origin

FINE_TUNING_RATE = 3e-4
LIMITS = (("epochs", 1, 10_000), ("patience", 1, 10_000), ("rate", 1e-7, 1.0), ("batch", 1, 4096), ("seed", 0, 2**31))


@dataclass(frozen=True)
class TrainingOptions:
    """What was asked for; None for what was left to its default.

    fit: what FitConfig is to have, by the names of LIMITS. origin: the model to fine-tune. size, network: by the names of
    `keras_network.NETWORKS`. members: how many networks vote.
    """

    fit: Mapping[str, Any]
    origin: str | None = None
    size: str | None = None
    network: str | None = None
    members: int = 1


def settings_of(options: TrainingOptions) -> tuple[FitConfig, NetworkConfig, list[Start]]:
    """How to train, which network, and where its members start. Raises ImprovError for what is impossible."""
    base = replace(FitConfig(), rate=FINE_TUNING_RATE) if options.origin else FitConfig()
    config = replace(base, **{k: v for k, v in options.fit.items() if v is not None})
    for name, low, high in LIMITS:
        if not low <= getattr(config, name) <= high:
            raise ImprovError(f"--{name} {getattr(config, name):g}: expected {low:g} to {high:g}")
    if options.origin:
        if options.size or options.network or options.members != 1:
            raise ImprovError("--size, --network, --members: a model that is fine-tuned (--from) keeps its own")
        card = load_model(options.origin).card
        refuse_grammar(card, "improv train --from")
        models, network = begin(card, stored_weights(options.origin), config.seed)
        return config, network, [Start([v.numpy() for v in m.trainable_variables], card["weights_sha256"]) for m in models]
    if not 1 <= options.members <= 8:
        raise ImprovError(f"--members {options.members}: expected 1 to 8")
    sizes = NETWORKS[options.network or "lstm"]
    return config, sizes[options.size or "laptop"], []


def origin_of(name: str) -> Origin:
    """The model that is fine-tuned, and what was fitted on top of it."""
    model, weights, vector = load_model(name), stored_weights(name), stored_vector(name)
    begun = Begun(model.card.get("recall") or {}, weights)
    return Origin(model, begun, weights | {f"test.{head}": said for head, said in vector.items()})
