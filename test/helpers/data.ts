import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'vitest';

export const projectRoot = path.join(__dirname, '..', '..');

/** Folder of the shared test data: models, pictures, reference results. */
export const dataRoot =
  process.env.TENSORRT_NODE_DATA ?? path.join(projectRoot, '..', 'shared', 'data');

export const hasData = existsSync(path.join(dataRoot, 'README.md'));

export const dataPath = (...parts: string[]): string => path.join(dataRoot, ...parts);

/** A suite that needs the shared test data; where it is absent the runner counts its tests as skipped. */
export const describeWithData = describe.skipIf(!hasData);
