import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../helpers/data';

const cli = path.join(projectRoot, 'lib', 'cli', 'main.js');
const model = path.join(projectRoot, 'examples', 'models', 'shelf.onnx');
const picture = path.join(projectRoot, 'examples', 'images', 'shelf-01.jpg');

describe('tensorrt-node predict', () => {
  let folder: string;
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'predict', ...args], {
      encoding: 'utf8',
      cwd: folder,
    });
    return { status, stdout, stderr };
  };
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tn-predict-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes the documented JSON to stdout, and nothing else', () => {
    const { status, stdout, stderr } = run(model, picture, '--backend', 'cpu', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [result] = JSON.parse(stdout);
    expect(Object.keys(result)).toEqual([
      'image',
      'width',
      'height',
      'backend',
      'detections',
      'timings',
    ]);
    expect(result).toMatchObject({ image: picture, width: 1280, height: 960, backend: 'cpu' });
    expect(Object.keys(result.detections[0])).toEqual(['box', 'score', 'class', 'label']);
    expect(Object.keys(result.timings)).toEqual([
      'decodeMs',
      'preprocessMs',
      'inferenceMs',
      'postprocessMs',
    ]);
  });

  it('takes folders, says what it found and where it ran, and saves pictures and JSON', async () => {
    copyFileSync(picture, path.join(folder, 'b.jpg'));
    copyFileSync(picture, path.join(folder, 'a.JPG'));
    writeFileSync(path.join(folder, 'notes.txt'), 'no picture');
    const { status, stdout } = run(
      model,
      folder,
      '--save',
      'out',
      '--json',
      'r.json',
      '--conf',
      '0.4',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/network input 416x416/);
    expect(stdout).toMatch(/a\.JPG {2}1280x960 .*can/);
    expect(readdirSync(path.join(folder, 'out')).sort()).toEqual(['a.jpg', 'b.jpg']);
    expect((await sharp(path.join(folder, 'out', 'a.jpg')).metadata()).width).toBe(1280);
    expect(JSON.parse(readFileSync(path.join(folder, 'r.json'), 'utf8'))).toHaveLength(2);
  });

  it('fails in one line with code and exit code, and leaves no file behind', () => {
    writeFileSync(path.join(folder, 'empty.jpg'), '');
    writeFileSync(path.join(folder, 'file'), '');
    const at = (name: string) => path.join(folder, name);
    const cases: [string[], number, RegExp][] = [
      [[at('none.onnx'), picture], 1, /^ERR_IO: .*none\.onnx does not exist/],
      [[folder, picture], 1, /^ERR_INVALID_MODEL: .*is a directory/],
      [[picture, picture], 1, /^ERR_INVALID_MODEL: /],
      [[model, at('empty.jpg')], 1, /^ERR_INVALID_IMAGE: .*is empty/],
      [[model, at('none.jpg')], 1, /^ERR_IO: .*does not exist/],
      [[model, folder], 1, /^ERR_INVALID_IMAGE: .*empty\.jpg/],
      [[model, picture, '--backend', 'tensorrt'], 1, /^ERR_(NO_DEVICE|TENSORRT_|NOT_IMPLEMENTED)/],
      [[model, picture, '--backend', 'gpu'], 2, /^ERR_INVALID_ARGUMENT: .*backend/],
      [[model, picture, '--conf', 'high'], 2, /^ERR_INVALID_ARGUMENT: .*--conf/],
      [[model, picture, '--conf', '7'], 2, /^ERR_INVALID_ARGUMENT: /],
      [[model, picture, '--imgsz', '64'], 2, /^ERR_INVALID_ARGUMENT: .*imageSize/],
      [[model, picture, '--save', at('file/sub')], 1, /^ERR_IO: .*--save/],
      [[model, picture, '--json', at('none/r.json')], 1, /^ERR_IO: .*r\.json cannot be written/],
      [[model], 2, /missing required argument/],
      [[model, picture, '--bogus'], 2, /unknown option/],
    ];
    for (const [args, status, message] of cases) {
      const result = run(...args);
      expect(result.status, args.join(' ')).toBe(status);
      expect(result.stderr, args.join(' ')).toMatch(message);
      if (message.source.startsWith('^ERR'))
        expect(result.stderr.trim().split('\n')).toHaveLength(1);
    }
    expect(readdirSync(folder).sort()).toEqual(['empty.jpg', 'file']);
    expect(existsSync(at('none'))).toBe(false);
  });
});
