"""Which images a person should label next: those that the network is unsure of and that are unlike the labelled ones."""
