"""Pure functions on tensors: stencils, symbols, solves and time steps. Depends on torch alone."""
