"""Prediction, evaluation and checks on many machines, or on all cores of this one, by Ray. Training on several is Lightning's."""
