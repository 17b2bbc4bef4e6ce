"""Image and mask files as arrays: every format, bit depth and number of bands, and windows of large ones."""
