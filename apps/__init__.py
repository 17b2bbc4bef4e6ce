"""Programs around exported networks: they know .onnx files alone, neither torch nor imexseg."""
