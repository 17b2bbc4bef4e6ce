"""Segment images, folders, films and cameras with an exported network: onnxruntime, numpy and OpenCV, no torch."""
