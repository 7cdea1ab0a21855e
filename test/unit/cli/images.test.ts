import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expandImages } from '../../../src/cli/images';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tn-images-'));
  for (const sub of ['a', 'a/deep', 'b', '.hidden']) mkdirSync(path.join(folder, sub));
  for (const file of [
    'top.jpg',
    'top.txt',
    'old.bmp',
    'we[i]rd.png',
    'star*.jpg',
    'a/2.JPG',
    'a/1.png',
    'a/.thumb.png',
    'a/deep/3.webp',
    'b/1.jpeg',
    'b/10.jpeg',
    '.hidden/x.png',
  ]) {
    writeFileSync(path.join(folder, file), '');
  }
  symlinkSync('..', path.join(folder, 'a', 'loop'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const expand = async (...inputs: string[]) =>
  (await expandImages(inputs.map((input) => path.join(folder, input)))).map((file) =>
    path.relative(folder, file),
  );

it.each<[string, string[]]>([
  ['top.txt', ['top.txt']],
  ['missing.jpg', ['missing.jpg']],
  ['star*.jpg', ['star*.jpg']],
  ['.', ['star*.jpg', 'top.jpg', 'we[i]rd.png']],
  ['a', ['a/1.png', 'a/2.JPG']],
  ['t*', ['top.jpg']],
  ['*[i]*.png', ['we[i]rd.png']],
  ['?/1.*', ['a/1.png', 'b/1.jpeg']],
  ['b/1?.jpeg', ['b/10.jpeg']],
  ['a/.*.png', ['a/.thumb.png']],
  ['b/../a/*.png', ['a/1.png']],
  [
    '**',
    [
      'a/1.png',
      'a/2.JPG',
      'a/deep/3.webp',
      'b/1.jpeg',
      'b/10.jpeg',
      'star*.jpg',
      'top.jpg',
      'we[i]rd.png',
    ],
  ],
  ['**/*.png', ['a/1.png', 'we[i]rd.png']],
])('%s becomes the pictures it stands for', async (input, expected) => {
  expect(await expand(input)).toEqual(expected);
});

it('keeps the order of the inputs, and takes patterns relative to the working folder', async () => {
  expect(await expand('b/1.jpeg', 'a/*.png')).toEqual(['b/1.jpeg', 'a/1.png']);
  const relative = path.relative(process.cwd(), folder);
  expect(await expandImages([`${relative}/t*`])).toEqual([path.join(relative, 'top.jpg')]);
});

it.each(['a/*.gif', 'none/*.jpg', '.hidden/*.jpg'])(
  '%s, which has no pictures, is refused',
  async (input) => {
    await expect(expand(input)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  },
);

it('refuses a folder without pictures', async () => {
  const empty = path.join(folder, 'b', 'empty');
  mkdirSync(empty);
  await expect(expandImages([empty])).rejects.toThrow(
    /Expected pictures in .*empty but there are none/,
  );
});
