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
