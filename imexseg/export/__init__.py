"""A trained network as one .onnx file that holds everything, and the check that it agrees with torch."""
