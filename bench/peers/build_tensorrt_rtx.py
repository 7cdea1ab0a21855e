"""ONNX to plan by NVIDIA's Python bindings of TensorRT-RTX, for bench/build.mjs. Argument: ONNX file.

Each request builds once: {"computeCapabilities": [89], "output": file}. The answer holds the time from the creation
of the builder to the plan in memory, and how far the process grew above its size at that moment, when the library
was loaded.
"""

import sys
import time

import tensorrt_rtx_bindings as trt
from peer import serve

model = sys.argv[1]


class Quiet(trt.ILogger):
    """Prints nothing: a terminal's speed is not what is measured."""

    def __init__(self):
        trt.ILogger.__init__(self)

    def log(self, severity, message):
        pass


logger = Quiet()


def memory(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(key))


def reset_peak():
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def build(capabilities):
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    config = builder.create_builder_config()
    config.num_compute_capabilities = len(capabilities)
    for index, capability in enumerate(capabilities):
        config.set_compute_capability(trt.ComputeCapability(capability), index)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(model):
        raise RuntimeError([parser.get_error(index).desc() for index in range(parser.num_errors)])
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise RuntimeError("no plan")
    return plan


def handle(request):
    if request["action"] == "version":
        return {"version": trt.__version__}
    reset_peak()
    before = memory("VmRSS")
    start, cpu = time.perf_counter(), time.process_time()
    plan = build(request["computeCapabilities"])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = memory("VmHWM")
    with open(request["output"], "wb") as file:
        file.write(plan)
    return {"ms": seconds * 1e3, "cpuMs": cpu * 1e3, "planBytes": plan.nbytes, "startBytes": before, "peakBytes": peak}


serve(handle)
