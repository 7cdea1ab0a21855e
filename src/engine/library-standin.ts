import { existsSync } from 'node:fs';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { native, packageRoot } from '../native/binding';
import type { Flavor } from '../native/trt-contract';

/** Stand-in until library.ts is there. */
export async function selectTensorRT(want: { flavor?: Flavor; purpose: 'build' | 'run' }) {
  const folder = path.join(packageRoot, '.sdk', 'lib', 'rtx1');
  const libraryPath = path.join(folder, 'libtensorrt_rtx.so.1');
  if ((want.flavor ?? 'rtx1') !== 'rtx1' || !existsSync(libraryPath))
    throw new TensorRTNodeError('ERR_TENSORRT_UNAVAILABLE', 'Found no TensorRT library');
  const info = await native().trtLibraryInfo(libraryPath);
  return {
    flavor: info.flavor,
    version: info.version.text,
    libraryPath,
    parserPath: path.join(folder, 'libtensorrt_onnxparser_rtx.so.1'),
    reasons: [] as string[],
  };
}
