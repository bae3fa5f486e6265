"""Training: the only room that imports tensorflow. Importing this imports none of it."""
