"""Which files are taken for images and for masks, by their suffix in lower case."""

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".npy"})
MASK_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp", ".gif"})  # JPEG would change the numbers
