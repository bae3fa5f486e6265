"""Accents, as shares of how much a player's loudness varies. Written by scripts/learn_accents.py from pop909.jsonl.gz."""

# by part of the beat (on it, between, the off-beat, between), then by length
PLACE_AND_LENGTH = (
    (0.20, 0.17, 0.23, 0.17, 0.23, 0.27),
    (-0.39, -0.34, 0.03, 0.06, 0.11, -0.16),
    (-0.23, -0.17, -0.08, -0.17, 0.07, 0.17),
    (-0.37, -0.39, -0.10, 0.14, 0.11, 0.03),
)
# by length alone: the mean of PLACE_AND_LENGTH over the parts of the beat
LENGTH = (-0.23, -0.13, 0.08, 0.04, 0.17, 0.20)
# by the time since the onset before
AFTER = (-0.06, -0.05, 0.06, 0.24, 0.20)
# by the distance from where the line has been lately
REGISTER = (-0.64, -0.50, -0.38, -0.20, -0.08, 0.04, 0.23, 0.34, 0.44, 0.48)
