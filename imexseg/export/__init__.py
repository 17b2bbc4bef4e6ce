"""A trained network as one .onnx file that holds everything, and the proof that it agrees."""
