import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../helpers/data';
import { addOneModel } from '../helpers/onnx-writer';
import { emptyFolder, install, type Outcome, pack, runIn, runNode } from '../helpers/packed';

/** Lines that a consumer runs after it has Session and Tensor: prints the sum or the error, as JSON. */
const useSession = `
const main = async () => {
  const session = await Session.create('model.onnx', { backend: 'cpu' });
  const { y } = await session.run({ x: new Tensor('float32', [1, 2, 3, 4], [1, 4]) });
  console.log(JSON.stringify({ backend: session.backend, y: [...y.data] }));
  await session.dispose();
};
main().catch((error) => console.log(JSON.stringify({ code: error.code, message: error.message,
  isOurs: error instanceof TensorRTNodeError })));
`;
const names = 'Session, Tensor, TensorRTNodeError';

let packedFolder: string;
let tarball: string;

beforeAll(() => {
  packedFolder = emptyFolder();
  tarball = pack(packedFolder).tarball;
});
afterAll(() => rmSync(packedFolder, { recursive: true, force: true }));

/** A folder with the package installed, a model and a CommonJS and an ES module that use it. */
function makeConsumer(args: string[], env: NodeJS.ProcessEnv = {}): string {
  const folder = emptyFolder();
  install(folder, tarball, args, env);
  writeFileSync(path.join(folder, 'model.onnx'), addOneModel());
  writeFileSync(
    path.join(folder, 'consumer.cjs'),
    `const { ${names} } = require('tensorrt-node');${useSession}`,
  );
  writeFileSync(
    path.join(folder, 'consumer.mjs'),
    `import { ${names} } from 'tensorrt-node';${useSession}`,
  );
  return folder;
}

function json(outcome: Outcome): unknown {
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  return JSON.parse(outcome.stdout);
}

const worksOnCpu = { backend: 'cpu', y: [2, 3, 4, 5] };

describe.each([
  ['without install scripts', ['--ignore-scripts'], {}],
  [
    'with install scripts',
    ['--ignore-scripts=false'],
    { ONNXRUNTIME_NODE_INSTALL: 'skip' } as NodeJS.ProcessEnv,
  ],
])('installed %s into an empty folder', (_, args, env) => {
  let folder: string;
  beforeAll(() => {
    folder = makeConsumer(args, env);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('runs a model on the CPU through require', () => {
    expect(json(runNode(folder, ['consumer.cjs']))).toEqual(worksOnCpu);
  });

  it('runs a model on the CPU through import', () => {
    expect(json(runNode(folder, ['consumer.mjs']))).toEqual(worksOnCpu);
  });

  it('loads the prebuilt addon from the package itself', () => {
    const script =
      "const root = require('path').dirname(require.resolve('tensorrt-node/package.json'));" +
      "console.log(require('path').relative(root, require('node-gyp-build').path(root)));";
    expect(runNode(folder, ['-e', script]).stdout.trim()).toBe(
      `prebuilds/${process.platform}-${process.arch}/tensorrt-node.node`,
    );
  });

  it('has the command', () => {
    const { version } = JSON.parse(
      readFileSync(path.join(projectRoot, 'package.json'), 'utf8'),
    ) as { version: string };
    expect(runIn(folder, 'npx', ['--no-install', 'tensorrt-node', '--version'])).toMatchObject({
      status: 0,
      stdout: `${version}\n`,
    });
  });

  it('detects on the sample picture from the command line', () => {
    const sample = (...parts: string[]) => path.join(projectRoot, 'examples', ...parts);
    const outcome = runIn(folder, 'npx', [
      ...['--no-install', 'tensorrt-node', 'predict', sample('models', 'shelf.onnx')],
      ...[sample('images', 'shelf-01.jpg'), '--json', 'found.json', '--save', 'drawn'],
    ]);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const [found] = JSON.parse(readFileSync(path.join(folder, 'found.json'), 'utf8')) as {
      backend: string;
      detections: { label: string; score: number }[];
    }[];
    expect(found!.backend).toBe('cpu');
    const labels = found!.detections.filter(({ score }) => score > 0.8).map(({ label }) => label);
    expect(labels.length).toBeGreaterThan(20);
    expect(new Set(labels)).toEqual(new Set(['can', 'jar', 'box', 'empty', 'pouch', 'bottle']));
    expect(existsSync(path.join(folder, 'drawn', 'shelf-01.jpg'))).toBe(true);
  });

  it('describes itself and the machine by doctor', () => {
    const outcome = runIn(folder, 'npx', ['--no-install', 'tensorrt-node', 'doctor', '--json']);
    const { abilities, addon } = JSON.parse(outcome.stdout) as {
      abilities: Record<string, { works: boolean }>;
      addon: { path: string };
    };
    expect(abilities.cpu).toMatchObject({ works: true });
    expect(path.relative(folder, addon.path)).toMatch(
      /^node_modules\/tensorrt-node\/prebuilds\/.*\/tensorrt-node\.node$/,
    );
  });

  it('compiles nothing and leaves no build folder', () => {
    expect(existsSync(path.join(folder, 'node_modules', 'tensorrt-node', 'build'))).toBe(false);
  });
});

describe('installed without its optional dependency', () => {
  let folder: string;
  beforeAll(() => {
    folder = makeConsumer(['--omit=optional', '--ignore-scripts=false']);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('loads, and says at the first session how to get the CPU backend', () => {
    expect(existsSync(path.join(folder, 'node_modules', 'onnxruntime-node'))).toBe(false);
    for (const file of ['consumer.cjs', 'consumer.mjs']) {
      expect(json(runNode(folder, [file]))).toEqual({
        code: 'ERR_CPU_BACKEND_UNAVAILABLE',
        message: expect.stringContaining('npm install onnxruntime-node --ignore-scripts'),
        isOurs: true,
      });
    }
  });

  it('says at the first encoded picture how to get sharp', () => {
    const script = `require('tensorrt-node').decodeImage(require('fs').readFileSync(process.argv[1]))
      .catch((error) => console.log(JSON.stringify({ code: error.code, message: error.message })));`;
    const picture = path.join(projectRoot, 'examples', 'images', 'shelf-01.jpg');
    expect(json(runNode(folder, ['-e', script, picture]))).toEqual({
      code: 'ERR_IMAGE_CODEC_UNAVAILABLE',
      message: expect.stringContaining('npm install --include=optional sharp'),
    });
  });
});

describe('installed for a TypeScript project', () => {
  let folder: string;
  const source = `import { Session, Tensor, TensorRTNodeError, type ErrorCode } from 'tensorrt-node';
export async function sum(file: string): Promise<number> {
  const session = await Session.create(file);
  try {
    const results = await session.run({ x: new Tensor('float32', [1, 2], [2]) });
    return results['y']!.size;
  } catch (error) {
    const code: ErrorCode | undefined = error instanceof TensorRTNodeError ? error.code : undefined;
    throw new Error(code);
  } finally {
    await session.dispose();
  }
}
`;
  beforeAll(() => {
    folder = emptyFolder();
    install(folder, tarball, ['--ignore-scripts', '--omit=optional']);
    writeFileSync(path.join(folder, 'esm.mts'), source);
    writeFileSync(path.join(folder, 'common.cts'), source);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['Node16', 'Node16'],
    ['ESNext', 'Bundler'],
  ])(
    'type-checks with module %s and moduleResolution %s, library checks on',
    (module, resolution) => {
      const outcome = runIn(folder, process.execPath, [
        path.join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc'),
        ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'],
        ...['--target', 'ES2022', '--lib', 'ES2023,ESNext.Disposable'],
        ...['--module', module, '--moduleResolution', resolution],
        ...['--typeRoots', path.join(projectRoot, 'node_modules', '@types'), '--types', 'node'],
        ...(resolution === 'Bundler' ? ['esm.mts'] : ['esm.mts', 'common.cts']),
      ]);
      expect(outcome).toMatchObject({ status: 0, stdout: '' });
    },
  );
});
