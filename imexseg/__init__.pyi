from imexseg.inference.predictor import Predictor as Predictor
from imexseg.models.artefact import load as load
from imexseg.models.catalogue import NETWORKS as NETWORKS

__version__: str
