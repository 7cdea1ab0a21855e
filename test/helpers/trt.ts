import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'vitest';
import { projectRoot } from './data';

const folder = path.join(projectRoot, '.sdk', 'lib', 'rtx1');
const libraryPath = path.join(folder, 'libtensorrt_rtx.so.1');
const parserPath = path.join(folder, 'libtensorrt_onnxparser_rtx.so.1');

/** The TensorRT-RTX library that set-up fetched, or undefined: it builds engines without a GPU. */
export const rtxLibrary =
  existsSync(libraryPath) && existsSync(parserPath) ? { libraryPath, parserPath } : undefined;

export const hasRtx = rtxLibrary !== undefined;

/** A suite that needs it; where it is absent the runner counts its tests as skipped. */
export const describeWithRtx = describe.skipIf(!rtxLibrary);

export const trt10Folder = path.join(projectRoot, '.sdk', 'test', 'trt10');
const trt10Path = path.join(trt10Folder, 'libnvinfer.so.10');
const trt10ParserPath = path.join(trt10Folder, 'libnvonnxparser.so.10');

/** The real TensorRT 10 library, fetched for tests: it tells its version and refuses to build without a device. */
export const trt10Library =
  existsSync(trt10Path) && existsSync(trt10ParserPath)
    ? { libraryPath: trt10Path, parserPath: trt10ParserPath }
    : undefined;

/** A suite that needs it; where it is absent the runner counts its tests as skipped. */
export const describeWithTrt10 = describe.skipIf(!trt10Library);
