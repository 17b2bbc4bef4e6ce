"""The augmentations that have a name. A module of its own, because it imports nothing heavy."""

AUGMENTATIONS = ("none", "symmetries", "light", "strong")
