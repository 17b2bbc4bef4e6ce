"""Programs that run exported networks. They need only the .onnx file, neither torch nor imexseg."""
