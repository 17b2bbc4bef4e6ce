"""Converting other tools' data sets to this project's layout: one file per format, each with a function source ↦ Plan."""
