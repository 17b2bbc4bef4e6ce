"""A network is not built larger than asked for, and loading weights leaves torch's compiler alone."""

import subprocess
import sys

import pytest

from imexseg.models.build import model_config
from imexseg.models.limited_build import build_limited

LOAD = "import sys; from imexseg.inference.open import open_predictor; open_predictor(sys.argv[1])\n"
LOAD += "assert 'torch' in sys.modules; print('torch._dynamo' in sys.modules)"


@pytest.mark.parametrize("model", ["imex-lean", "hamiltonian-imex-lean", "residual-lean"])
def test_a_network_that_is_too_large_is_given_up(model: str):
    config = model_config(model, num_classes=3)
    network = build_limited(config, 10**8)
    assert network is not None
    numbers = sum(tensor.numel() for tensor in network.state_dict().values())
    assert build_limited(config, numbers // 2) is None
    wide = model_config(model, num_classes=3, width=4096)
    assert build_limited(wide, 10**6) is None


def test_loading_shipped_weights_does_not_import_the_compiler():
    done = subprocess.run([sys.executable, "-c", LOAD, "qtips"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
