/** The TensorRT part of what the .node file exports; see contract.ts for the conventions. Internal. */

export const flavors = ['rtx1', 'trt10', 'trt11'] as const;
/** `rtx1` is TensorRT-RTX 1.x, `trt10` and `trt11` are TensorRT 10.x and 11.x. */
export type Flavor = (typeof flavors)[number];

export interface TrtVersion {
  major: number;
  minor: number;
  patch: number;
  build: number;
  /** `10.3.0.26` */
  text: string;
}

export interface TrtLibraryInfo {
  flavor: Flavor;
  version: TrtVersion;
  /** The file that the loader mapped. */
  path: string;
  /** Why this version must not build engines, though it may run them. Absent when it may. */
  buildRefusal?: string;
}

export interface TrtFlavors {
  /** Flavours that this binary speaks, each with the version of the headers it was compiled with. */
  compiled: Partial<Record<Flavor, TrtVersion>>;
  /** Flavours whose headers were not there when the binary was compiled. */
  absent: Flavor[];
}

export interface TrtContract {
  /** [sync] */
  trtFlavors(): TrtFlavors;
  /**
   * [async] Opens a TensorRT library, reads its version and closes it. Rejects with
   * ERR_TENSORRT_UNAVAILABLE when the file cannot be opened or is not TensorRT, ERR_TENSORRT_VERSION when
   * its version is refused. Calls no factory; runs the library's static initialisers.
   */
  trtLibraryInfo(libraryPath: string): Promise<TrtLibraryInfo>;
  /** [sync] The version rules themselves; empty strings mean "may be used". */
  trtJudgeVersion(major: number, minor: number): { refusal: string; buildRefusal: string };
}
