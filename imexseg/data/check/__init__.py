"""Reads every file once before training and reports what is wrong with it."""
