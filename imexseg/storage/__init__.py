"""Files that lie elsewhere: s3, gs, http and whatever else fsspec knows. One is copied here before it is read, and sent whole."""
