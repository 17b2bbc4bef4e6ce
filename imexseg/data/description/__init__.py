"""What a data set says of itself: data.yaml, labels, colours, the rule of its splits."""
