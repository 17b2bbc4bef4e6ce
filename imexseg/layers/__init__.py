"""nn.Modules: operators K, the implicit solve, the explicit terms f and the time steps. One equation per file."""
