import type { Advice, Diagnosis } from './diagnose';

type Facts = Omit<Diagnosis, 'advice'>;

/** What is lacking, the gravest first, each with what to do. Nothing is said of what nobody misses. */
export function adviseOn(facts: Facts): Advice[] {
  return [
    ...onAddon(facts),
    ...onCpu(facts),
    ...onGpu(facts),
    ...onTensorRT(facts),
    ...onSharp(facts),
  ];
}

function onAddon({ addon, machine }: Facts): Advice[] {
  if (addon.error === undefined) return [];
  if (machine.glibc === undefined) {
    return [
      {
        lack: 'This system has no glibc (Alpine?), which the addon and TensorRT need.',
        fix: 'Use a Debian, Ubuntu or Red Hat based system or image, e.g. node:22-slim.',
      },
    ];
  }
  return [
    {
      lack: addon.error,
      fix: 'Reinstall with "npm install tensorrt-node", or build the addon: "npx cmake-js build" in its folder.',
    },
  ];
}

function onCpu({ addon, abilities }: Facts): Advice[] {
  if (addon.error !== undefined || abilities.cpu.works) return [];
  return [
    {
      lack: 'Models cannot be run on the CPU: there is no usable ONNX Runtime library.',
      fix: 'Run "npm install onnxruntime-node --ignore-scripts", or name a libonnxruntime.so by TENSORRT_NODE_ONNXRUNTIME.',
    },
  ];
}

/** Without any trace of an NVIDIA GPU there is nothing to mend. */
function onGpu({ cuda, nvidia }: Facts): Advice[] {
  if (cuda === undefined || cuda.devices.length > 0) return [];
  const reason = cuda.reason ?? '';
  const isAbsent = cuda.libraryPath === undefined && reason.includes('could not be opened');
  if (nvidia.kernelModule !== undefined && isAbsent) {
    return [
      {
        lack: `The kernel has NVIDIA's driver ${nvidia.kernelModule}, but libcuda.so.1 is not to be found here.`,
        fix: 'In a container: install the NVIDIA Container Toolkit on the host and start with "--gpus all" (NVIDIA_DRIVER_CAPABILITIES must hold "compute"). Else reinstall the driver.',
      },
    ];
  }
  if (nvidia.jetson !== undefined) {
    return [
      {
        lack: `This is a ${nvidia.jetson}, and its CUDA driver does not answer. ${reason}`,
        fix: 'Install JetPack ("apt-get install nvidia-jetpack"); in a container, start with "--runtime nvidia".',
      },
    ];
  }
  if (nvidia.isWsl) {
    return [
      {
        lack: `This is WSL, and the CUDA driver does not answer. ${reason}`,
        fix: "Install NVIDIA's driver in Windows (none in WSL) and add /usr/lib/wsl/lib to LD_LIBRARY_PATH.",
      },
    ];
  }
  if (nvidia.pciGpus > 0 && isAbsent) {
    return [
      {
        lack: `There ${nvidia.pciGpus === 1 ? 'is an NVIDIA GPU' : `are ${nvidia.pciGpus} NVIDIA GPUs`} in this machine and no driver.`,
        fix: 'Install NVIDIA\'s driver of your distribution ("ubuntu-drivers install", "apt-get install nvidia-driver"), then reboot.',
      },
    ];
  }
  if (isAbsent) return [];
  return [
    { lack: reason, fix: 'Check the driver with "nvidia-smi"; after a driver update, reboot.' },
  ];
}

function onTensorRT({ addon, cuda, tensorrt, abilities }: Facts): Advice[] {
  if (addon.error !== undefined || abilities.build.works) return [];
  const get =
    'Install TensorRT: "pip install tensorrt-rtx-cu13-libs" for RTX GPUs, or NVIDIA\'s TensorRT 10 or 11 for all; ' +
    'where it lies in a folder of its own, name that by TENSORRT_NODE_LIBRARY_PATH. In a checkout: "npm run setup".';
  if (tensorrt.length === 0) {
    return [{ lack: 'Engines cannot be built: there is no TensorRT library.', fix: get }];
  }
  const refused = tensorrt.find(({ refusal }) => refusal !== undefined)?.refusal;
  const why = refused ?? tensorrt.find(({ buildRefusal }) => buildRefusal)?.buildRefusal;
  if (why !== undefined) return [{ lack: `Engines cannot be built: ${why}.`, fix: get }];
  if (cuda?.devices.length === 0) {
    return [
      {
        lack: 'Engines cannot be built: TensorRT 10 and 11 build on a machine with a GPU only.',
        fix: 'Install TensorRT for RTX, which builds without one: "pip install tensorrt-rtx-cu13-libs".',
      },
    ];
  }
  return [{ lack: abilities.build.reason, fix: get }];
}

function onSharp({ sharp }: Facts): Advice[] {
  if (sharp.error === undefined) return [];
  return [
    {
      lack: `Pictures cannot be decoded: sharp cannot be loaded (${sharp.error}).`,
      fix: 'Run "npm install sharp" for this platform; models still run on pixels that you decode yourself.',
    },
  ];
}
