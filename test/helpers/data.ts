import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';

export const projectRoot = path.join(__dirname, '..', '..');

/** Folder of the shared test data: models, pictures, reference results. */
export const dataRoot =
  process.env.TENSORRT_NODE_DATA ?? path.join(projectRoot, '..', 'shared', 'data');

export const hasData = existsSync(path.join(dataRoot, 'README.md'));

export const dataPath = (...parts: string[]): string => path.join(dataRoot, ...parts);

type Suite = Pick<typeof describe, 'each'> & ((name: string, body: () => void) => void);

/** Stands for a suite whose data is absent: its body, which may read them, is not run. */
const absent = Object.assign(
  (name: string) => describe.skip(name, () => it('needs the shared test data', () => {})),
  { each: () => absent },
) as unknown as Suite;

/** A suite that needs the shared test data; where they are absent it counts as one skipped test. */
export const describeWithData: Suite = hasData ? describe : absent;
