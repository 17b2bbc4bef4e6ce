"""What other small networks use to see the whole image, each in the place of the solve (network.py puts it there).

Every part maps X (B, C, H, W), the answer of f, to the same shape; the time step Y⁺ = Y + h part(f(Y)) stays as it is. They are
written from the papers that their docstrings name, each with what differs: the coupling of channels that some papers put around
theirs is left to K₁ and K₂ of f. None needs a Fourier transform of the runtime: few modes are matrix products.
"""
