"""How a data set describes itself: data.yaml, labels, colours, and the rule for its splits."""
