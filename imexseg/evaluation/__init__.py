"""Scores of a segmentation, all computed from one confusion matrix."""
