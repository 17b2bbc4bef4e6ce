"""Batches for training: crops, samplers, augmentation."""
