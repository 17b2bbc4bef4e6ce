"""Reads every file once before training and names what is wrong with it."""
