"""Exports here share torch's table of operators, which it would otherwise build anew for each, two seconds a time."""

import functools

import pytest
from torch.onnx._internal.exporter import _registration


@pytest.fixture(scope="session", autouse=True)
def one_table_of_operators():
    build = functools.cache(_registration.ONNXRegistry.from_torchlib)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_registration.ONNXRegistry, "from_torchlib", staticmethod(build))
        yield
