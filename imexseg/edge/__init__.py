"""Segmenting images, folders, films and cameras as they come, with an exported network and without torch."""
