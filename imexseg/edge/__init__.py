"""Segmenting images, folders, videos and cameras as frames arrive, with an exported network and without torch."""
