"""int8 from input to logits: python onnx2tf_int8_.py FOLDER CALIBRATION.npy NETWORK.tflite

FOLDER: where onnx2tf left its saved model.  CALIBRATION: (N, H, W, C) float32, normalised. onnx2tf's own option for int8 guesses
axes anew, wrongly where as many channels as rows meet; TensorFlow's converter has nothing to guess.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

folder, calibration, target = map(Path, sys.argv[1:4])
images = np.load(calibration)
converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: ([image[None]] for image in images)
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = converter.inference_output_type = tf.int8
target.write_bytes(converter.convert())
