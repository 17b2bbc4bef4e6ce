"""Which files count as images and as masks, by suffix in lower case."""

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".npy"})
LOSSY = frozenset({".jpg", ".jpeg"})  # would change the numbers of a mask; so does WebP, unless its file says lossless
MASK_SUFFIXES = IMAGE_SUFFIXES - LOSSY
