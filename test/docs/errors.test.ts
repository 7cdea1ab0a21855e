import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../../src';
import { projectRoot } from '../helpers/data';

const text = readFileSync(path.join(projectRoot, 'docs', 'errors.md'), 'utf8');
const rows = [...text.matchAll(/^\| `(ERR_\w+)` \| (\d+) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, code, status, when, advice]) => ({ code, status: Number(status), when, advice }),
);

describe('docs/errors.md', () => {
  it('says of each code what the table in src/errors.ts says, in its order', () => {
    expect(rows.map(({ code, status, when }) => ({ code, status, when }))).toEqual(
      Object.entries(errorTable).map(([code, { status, when }]) => ({ code, status, when })),
    );
  });

  it('advises for each code', () => {
    expect(rows.filter(({ advice }) => advice!.length < 20)).toEqual([]);
  });
});
