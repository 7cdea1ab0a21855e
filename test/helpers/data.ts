import { existsSync } from 'node:fs';
import path from 'node:path';
import { suiteThatNeeds } from './prerequisite';

export const projectRoot = path.join(__dirname, '..', '..');

/** Folder of the shared test data: models, pictures, reference results. */
export const dataRoot =
  process.env.TENSORRT_NODE_DATA ?? path.join(projectRoot, '..', 'shared', 'data');

export const hasData = existsSync(path.join(dataRoot, 'README.md'));

export const dataPath = (...parts: string[]): string => path.join(dataRoot, ...parts);

/** A suite that needs the shared test data; where they are absent it counts as one skipped test. */
export const describeWithData = suiteThatNeeds('the shared test data', hasData);
