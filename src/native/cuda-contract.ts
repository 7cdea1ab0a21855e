/** The CUDA part of what the .node file exports; see contract.ts for the conventions. Internal. */

export interface CudaDevice {
  ordinal: number;
  name: string;
  /** `8.9` */
  computeCapability: string;
  memoryBytes: number;
  multiprocessors: number;
  /** Shares the host's memory, as Jetson does. */
  isIntegrated: boolean;
  /** `GPU-` and 32 hexadecimal digits in groups. */
  uuid?: string;
  /** `0000:01:00.0` */
  pciBusId?: string;
  /** Facts that the driver would not give, one sentence each; their fields are absent, 0 or empty. */
  problems: string[];
}

export interface CudaProbe {
  /** The driver library that was loaded. Absent when none could be started. */
  libraryPath?: string;
  /** Newest CUDA version that the driver serves: `12.4`. */
  cudaVersion?: string;
  devices: CudaDevice[];
  /** Why there is no device, or not all of them are listed. Absent when all is well. */
  reason?: string;
}

export interface CudaContract {
  /**
   * [async] Opens and initialises the CUDA driver (default `libcuda.so.1`, as the loader finds it), which
   * stays loaded, and describes its devices. Rejects for lack of memory only.
   */
  cudaProbe(libraryPath?: string): Promise<CudaProbe>;
}
