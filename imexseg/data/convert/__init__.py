"""Data sets of other tools in this project's layout: one file a format, each a function source ↦ Plan."""
