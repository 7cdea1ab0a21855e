import { findNvidiaTraces } from '../doctor/machine';
import { native } from '../native/binding';
import type { Flavor } from '../native/trt-contract';
import { findTensorRT } from './library';

/** What decides whether an engine runs on a machine. */
export interface EngineMachine {
  /** As Node names it: `linux-x64`. */
  readonly platform: string;
  /** TensorRT libraries that can run engines, the preferred first. */
  readonly libraries: readonly { readonly flavor: Flavor; readonly version: string }[];
  readonly devices: readonly {
    readonly name: string;
    /** `8.9` */
    readonly computeCapability: string;
  }[];
  /** Why there is no device, as the driver says it. */
  readonly deviceReason?: string;
  /** Newest CUDA version that the driver serves: `12.4`. */
  readonly cudaVersion?: string;
  /** Is it a Jetson? */
  readonly isJetson?: boolean;
  /** Plug-ins that are there, by operator. Absent: not known. */
  readonly plugins?: readonly string[];
}

/** This machine. Libraries are looked into in a process of their own; nothing of TensorRT is started. */
export async function describeEngineMachine(): Promise<EngineMachine> {
  const [candidates, { devices, cudaVersion, reason }] = await Promise.all([
    findTensorRT(),
    native().cudaProbe(),
  ]);
  return {
    platform: `${process.platform}-${process.arch}`,
    libraries: candidates.flatMap(({ flavor, version, refusal }) =>
      refusal === undefined && flavor !== undefined && version !== undefined
        ? [{ flavor, version }]
        : [],
    ),
    devices: devices.map(({ name, computeCapability }) => ({ name, computeCapability })),
    ...(reason === undefined ? {} : { deviceReason: reason }),
    ...(cudaVersion === undefined ? {} : { cudaVersion }),
    isJetson: findNvidiaTraces().jetson !== undefined,
  };
}
