"""The harmony that is heard in what the player plays: which chord sounds, which comes, and a progression that has come round."""
