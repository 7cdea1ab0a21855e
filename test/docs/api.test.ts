import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../helpers/data';

it('docs/api.md names every export, and no export that is not there', () => {
  const source = readFileSync(path.join(projectRoot, 'src', 'index.ts'), 'utf8');
  const lists = [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)].map(([, list]) => list!);
  const exported = lists
    .join(',')
    .split(',')
    .map((name) => name.replace(/\btype\b/, '').trim())
    .filter((name) => name !== '');
  expect(exported.length).toBeGreaterThan(50);
  const text = readFileSync(path.join(projectRoot, 'docs', 'api.md'), 'utf8');
  const named = new Set([...text.matchAll(/`([A-Za-z]\w*)[`(]/g)].map(([, name]) => name!));
  expect(exported.filter((name) => !named.has(name))).toEqual([]);
  const functions = [...text.matchAll(/^\| `(\w+)[`(]/gm)].map(([, name]) => name!);
  expect(functions.filter((name) => !exported.includes(name))).toEqual([]);
});
