"""Segment images, folders, videos and camera streams with an exported network: onnxruntime, numpy and OpenCV, no torch."""
