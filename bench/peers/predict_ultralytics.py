"""Ultralytics' predict on the pictures of a folder, one a call, by an ONNX model: wall and CPU time a picture.

usage: predict_ultralytics.py MODEL FOLDER THREADS    (THREADS 0: what Ultralytics sets by itself)
Each request times one walk over the pictures.
"""

import os
import sys
import time

import onnxruntime
from ultralytics import YOLO

from peer import serve

model_path, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])

if threads > 0:
    make_session = onnxruntime.InferenceSession

    def with_threads(path, sess_options=None, *args, **kwargs):
        sess_options = sess_options or onnxruntime.SessionOptions()
        sess_options.intra_op_num_threads = threads
        return make_session(path, sess_options, *args, **kwargs)

    onnxruntime.InferenceSession = with_threads

model = YOLO(model_path, task="detect")
pictures = sorted(os.path.join(folder, name) for name in os.listdir(folder))


def handle(_request):
    detections = 0
    wall, cpu = time.perf_counter(), time.process_time()
    for picture in pictures:
        detections += len(model.predict(picture, verbose=False)[0].boxes)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    count = len(pictures)
    return {"ms": wall * 1e3 / count, "cpuMs": cpu * 1e3 / count, "detections": detections}


serve(handle)
