"""OpenCV's letterbox as detectors in Python use it. Arguments: raw file, pictures, width, height, input size."""

import hashlib
import sys

import cv2
import numpy as np
import torch
from peer import median_ms, serve

cv2.setNumThreads(1)
torch.set_num_threads(1)
path, count, width, height, size = sys.argv[1], *map(int, sys.argv[2:6])
pictures = np.fromfile(path, np.uint8).reshape(count, height, width, 3)

ratio = min(size / height, size / width)
new_width, new_height = round(width * ratio), round(height * ratio)
dx, dy = (size - new_width) / 2, (size - new_height) / 2
top, bottom, left, right = round(dy - 0.1), round(dy + 0.1), round(dx - 0.1), round(dx + 0.1)


def uint8(index):
    image = cv2.resize(pictures[index % count], (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))


def float32(index):
    """The network input as Ultralytics makes it, by torch; channels are taken as they lie."""
    image = np.ascontiguousarray(uint8(index).transpose(2, 0, 1)[None])
    return torch.from_numpy(image).float() / 255


calls = {"u8-nhwc": uint8, "f32-nchw": float32}


def handle(request):
    call = calls[request["format"]]
    if request["action"] == "digest":
        return {"sha256": hashlib.sha256(np.ascontiguousarray(call(0)).tobytes()).hexdigest(), "opencv": cv2.__version__}
    return {"ms": median_ms(call, request["calls"])}


serve(handle)
