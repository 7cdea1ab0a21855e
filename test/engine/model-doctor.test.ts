import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diagnoseModel, Engine } from '../../src/index';
import { childrenOf, requireCompiledWorker, until } from '../helpers/build-process';
import { dataPath, describeWithData, projectRoot } from '../helpers/data';
import { addOneModel, onnxModel, type TestModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

const cli = path.join(projectRoot, 'lib', 'cli', 'main.js');
const crashFolder = path.join(projectRoot, 'test', 'fixtures', 'crashes');
let folder = '';

beforeAll(() => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rtx = { flavors: ['rtx1'] as const };
const x = { name: 'x', dtype: 'float32', dims: [1, 4] } as const;
const y = { name: 'y', dtype: 'float32', dims: [1, 4] } as const;
const node = (op: string, inputs: string[], outputs: string[], more = {}) => ({
  op,
  inputs,
  outputs,
  name: `${op.toLowerCase()}-of-${outputs[0]}`,
  ...more,
});
const diagnose = async (model: TestModel, options = {}) =>
  diagnoseModel(onnxModel(model), { ...rtx, ...options });

describeWithRtx('diagnoseModel with the real TensorRT-RTX parser', () => {
  it('a model that it takes: network tensors, one sub-graph, a trial build', async () => {
    const { verdict, parsers, nodeCount } = await diagnoseModel(addOneModel(['batch', 4]), {
      ...rtx,
      build: true,
    });
    expect([verdict, nodeCount]).toEqual(['supported', 1]);
    expect(parsers).toMatchObject([
      {
        flavor: 'rtx1',
        version: expect.stringMatching(/^1\./),
        verdict: 'supported',
        reason: undefined,
        problems: [],
        unknownOperators: [],
        refusedNodes: [],
        subgraphs: [{ nodeCount: 1, first: { index: 0, name: 'add', operator: 'Add' } }],
        inputs: [{ name: 'x', dtype: 'float32', shape: [-1, 4] }],
        outputs: [{ name: 'y', dtype: 'float32', shape: [-1, 4] }],
        build: { verdict: 'builds' },
      },
    ]);
  });

  it('an unknown operator between known ones: node, sub-graphs, rest', async () => {
    const { verdict, parsers } = await diagnose(
      {
        inputs: [x],
        outputs: [y],
        nodes: [
          node('Relu', ['x'], ['a']),
          node('Frobnicate', ['a'], ['b']),
          node('Neg', ['b'], ['y']),
        ],
      },
      { build: true },
    );
    expect(verdict).toBe('unsupported');
    expect(parsers[0]).toMatchObject({
      verdict: 'unsupported',
      reason: expect.stringMatching(/^node 1 "frobnicate-of-b" \(Frobnicate\): .*Plugin not found/),
      problems: [{ index: 1, name: 'frobnicate-of-b', operator: 'Frobnicate' }],
      unknownOperators: [{ operator: 'Frobnicate', count: 1 }],
      subgraphs: [
        { nodeCount: 1, first: { index: 0 } },
        { nodeCount: 1, last: { index: 2, operator: 'Neg' } },
      ],
      refusedNodes: [{ index: 1, operator: 'Frobnicate' }],
      build: { verdict: 'not-tried' },
    });
  });

  it('NonZero: refused by the parser with its reason', async () => {
    const { parsers, findings } = await diagnose({
      inputs: [x],
      outputs: [{ name: 'y', dtype: 'int64', dims: [2, 'n'] }],
      nodes: [node('NonZero', ['x'], ['y'])],
    });
    expect(parsers[0]).toMatchObject({
      verdict: 'unsupported',
      problems: [{ code: 'UNSUPPORTED_NODE', index: 0, operator: 'NonZero' }],
      unknownOperators: [],
    });
    expect(findings.map(({ kind }) => kind)).toContain('data-dependent-shape');
  });

  it('NonMaxSuppression: taken by the parser, refused by the builder', async () => {
    const { verdict, parsers } = await diagnose(
      {
        inputs: [
          { name: 'boxes', dtype: 'float32', dims: [1, 8, 4] },
          { name: 'scores', dtype: 'float32', dims: [1, 1, 8] },
        ],
        outputs: [{ name: 'y', dtype: 'int64', dims: ['n', 3] }],
        initializers: [
          { name: 'most', dtype: 'int64', dims: [1], data: [5] },
          { name: 'iou', dtype: 'float32', dims: [1], data: [0.5] },
        ],
        nodes: [node('NonMaxSuppression', ['boxes', 'scores', 'most', 'iou'], ['y'])],
      },
      { build: true },
    );
    expect(parsers[0]).toMatchObject({
      verdict: 'supported',
      build: { verdict: 'refused', reason: expect.stringMatching(/./) },
    });
    expect(verdict).toBe('unsupported');
  });

  it('float64 becomes float32, int64 stays; the parser warns of its own', async () => {
    const double = await diagnose({
      inputs: [{ ...x, dtype: 'float64' }],
      outputs: [{ ...y, dtype: 'float64' }],
      initializers: [{ name: 'w', dtype: 'float64', dims: [4], data: new Float64Array(4) }],
      nodes: [node('Add', ['x', 'w'], ['y'])],
    });
    expect(double.findings).toMatchObject([{ kind: 'double', count: 3 }]);
    expect(double.parsers[0]).toMatchObject({
      inputs: [{ name: 'x', dtype: 'float32' }],
      outputs: [{ name: 'y', dtype: 'float32' }],
    });
    const long = await diagnose({
      inputs: [{ ...x, dtype: 'int64' }],
      outputs: [{ ...y, dtype: 'int64' }],
      initializers: [{ name: 'w', dtype: 'int64', dims: [4], data: [1, 2 ** 40, 3, 4] }],
      nodes: [node('Add', ['x', 'w'], ['y'])],
    });
    expect(long.parsers[0]).toMatchObject({
      inputs: [{ name: 'x', dtype: 'int64' }],
      warnings: [expect.stringContaining('Int64'), expect.stringContaining('Int64')],
    });
  });

  it('an If: its branches are looked into', async () => {
    const branch = (op: string, name: string) => ({
      nodes: [node(op, ['x'], [name])],
      outputs: [{ ...y, name }],
    });
    const model = (op: string): TestModel => ({
      inputs: [x, { name: 'c', dtype: 'bool', dims: [] }],
      outputs: [y],
      nodes: [
        node('If', ['c'], ['y'], {
          attributes: {
            then_branch: { g: branch('Relu', 't') },
            else_branch: { g: branch(op, 'e') },
          },
        }),
      ],
    });
    const good = await diagnose(model('Neg'));
    expect(good.verdict).toBe('supported');
    expect(good.findings).toMatchObject([{ kind: 'control-flow', count: 1 }]);
    expect((await diagnose(model('Frobnicate'))).verdict).toBe('unsupported');
  });

  it('external data that is missing is said as such', async () => {
    const file = path.join(folder, 'external.onnx');
    const model = onnxModel({
      inputs: [x],
      outputs: [y],
      initializers: [
        { name: 'w', dtype: 'float32', dims: [4], external: { location: 'absent.bin' } },
      ],
      nodes: [node('Add', ['x', 'w'], ['y'])],
    });
    writeFileSync(file, model);
    await expect(diagnoseModel(file, rtx)).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_IO|ERR_INVALID_MODEL/),
      message: expect.stringContaining('absent.bin'),
    });
    writeFileSync(path.join(folder, 'absent.bin'), new Uint8Array(16));
    expect((await diagnoseModel(file, rtx)).verdict).toBe('supported');
  });

  it('other flavours that are not there say so; no parser at all is no verdict', async () => {
    const { verdict, parsers } = await diagnoseModel(addOneModel(), { flavors: ['trt11'] });
    expect(parsers).toMatchObject([
      { flavor: 'trt11', verdict: 'unavailable', reason: expect.stringMatching(/./) },
    ]);
    expect(verdict).toBe('unknown');
  });

  it('wrong use', async () => {
    const wrong = { code: 'ERR_INVALID_ARGUMENT' };
    await expect(
      diagnoseModel(addOneModel(), { flavors: ['trt9' as 'rtx1'] }),
    ).rejects.toMatchObject(wrong);
    await expect(diagnoseModel(addOneModel(), { bulid: true } as object)).rejects.toMatchObject(
      wrong,
    );
    const hostile = {
      get build(): boolean {
        throw new Error('no');
      },
    };
    for (const options of [
      hostile,
      { flavors: 'rtx1' },
      { flavors: new Array(2) },
      { signal: {} },
      { timeoutMs: 0 },
      { shapes: { x: 'wide' } },
      { build: 'yes' },
    ]) {
      await expect(diagnoseModel(addOneModel(), options as object)).rejects.toMatchObject(wrong);
    }
    const wide = { ...rtx, build: true, shapes: { x: [2, 9] } };
    await expect(diagnoseModel(addOneModel(['n', 4]), wide)).rejects.toMatchObject(wrong);
    await expect(diagnoseModel(Buffer.from('ftrt and more'))).rejects.toMatchObject(wrong);
    await expect(diagnoseModel(Buffer.from('no model'))).rejects.toMatchObject({
      code: 'ERR_INVALID_MODEL',
    });
  });

  it('a time limit and an abort end the process', async () => {
    await expect(diagnoseModel(addOneModel(), { ...rtx, timeoutMs: 1 })).rejects.toMatchObject({
      code: 'ERR_DEADLINE',
    });
    const reason = new Error('enough');
    const pending = diagnoseModel(addOneModel(), { ...rtx, signal: AbortSignal.abort(reason) });
    await expect(pending).rejects.toBe(reason);
    expect(await until(() => childrenOf(process.pid).every(({ state }) => state !== 'Z'))).toBe(
      true,
    );
  });
});

describeWithRtx('models that crash the parser', () => {
  const files = readdirSync(crashFolder).filter((name) => name.startsWith('build-'));
  // Our own reader keeps the others out before TensorRT sees them.
  const crashing = ['build-cast-without-output', 'build-if-without-output', 'build-slice'];

  it.each(files)('%s: a verdict or our own refusal, and this process lives', async (name) => {
    const pending = diagnoseModel(path.join(crashFolder, name), rtx);
    if (!crashing.some((text) => name.startsWith(text))) {
      await pending.then(
        ({ parsers }) => expect(['crashed', 'unsupported']).toContain(parsers[0]!.verdict),
        (error) => expect(error.code).toBe('ERR_INVALID_MODEL'),
      );
      return;
    }
    const { verdict, parsers } = await pending;
    expect(verdict).toBe('unsupported');
    expect(parsers[0]).toMatchObject({
      verdict: 'crashed',
      code: 'ERR_BUILD_CRASHED',
      reason: expect.stringMatching(/was ended by signal SIG/),
      lastNode: { operator: expect.stringMatching(/^(Cast|If|Slice)$/) },
    });
  });
});

describe.skipIf(!hasRtx)('with the test models', () => {
  describeWithData('every model', () => {
    const files = readdirSync(dataPath('models')).filter((name) => name.endsWith('.onnx'));

    it.each(files)('%s', async (name) => {
      const { verdict, parsers, findings } = await diagnoseModel(dataPath('models', name), rtx);
      const kinds = findings
        .filter(({ severity }) => severity === 'warning')
        .map(({ kind }) => kind);
      if (name === 'yolov8p-nms.onnx') {
        expect(verdict).toBe('unsupported');
        expect(parsers[0]).toMatchObject({
          problems: [{ operator: 'NonZero', index: 239 }],
          subgraphs: [{ nodeCount: 239 }, { nodeCount: 43 }],
          refusedNodes: [{ index: 239 }],
        });
        expect(kinds).toEqual(['data-dependent-shape']);
        return;
      }
      expect(parsers[0]!.problems).toEqual([]);
      expect(verdict).toBe('supported');
      expect(kinds).toEqual([]);
    });
  });
});

describe('tensorrt-node doctor MODEL', () => {
  const run = (...args: string[]) => {
    const { TENSORRT_NODE_LOG: _, ...env } = process.env;
    return spawnSync(process.execPath, [cli, 'doctor', ...args], {
      cwd: folder,
      encoding: 'utf8',
      env,
    });
  };
  beforeAll(() => {
    writeFileSync(path.join(folder, 'good.onnx'), addOneModel());
    writeFileSync(
      path.join(folder, 'bad.onnx'),
      onnxModel({ inputs: [x], outputs: [y], nodes: [node('Frobnicate', ['x'], ['y'])] }),
    );
  });

  it.skipIf(!hasRtx)('prints a report; exit code 0 or 1', () => {
    const good = run('good.onnx', '--flavor', 'rtx1', '--build');
    expect(good.stderr).toBe('');
    expect(good.status).toBe(0);
    expect(good.stdout).toMatch(/^good\.onnx\n1 nodes; builds with rtx1\n/);
    expect(good.stdout).toMatch(/✓ rtx1 1\.\S+: its parser takes every node/);
    const bad = run('bad.onnx', '--flavor', 'rtx1');
    expect(bad.status).toBe(1);
    expect(bad.stdout).toMatch(/node 0 "frobnicate-of-y" \(Frobnicate\): /);
    expect(bad.stdout.split('\n').every((line) => line.length <= 100)).toBe(true);
  });

  it.skipIf(!hasRtx)('prints the same as JSON', () => {
    const { status, stdout } = run('bad.onnx', '--json', '--flavor', 'rtx1');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      path: path.join(folder, 'bad.onnx'),
      verdict: 'unsupported',
      parsers: [{ flavor: 'rtx1', problems: [{ operator: 'Frobnicate' }] }],
    });
  });

  it.each([
    [['good.onnx', '--flavor', 'trt9'], 2],
    [['--build'], 2],
    [['good.onnx', '--timeout-ms', 'x'], 2],
    [['absent.onnx'], 1],
  ])('%j: exit code %i and one line', (args, status) => {
    const result = run(...args);
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(/^ERR_\w+: [^\n]+\n$/);
  });
});

describeWithRtx('layers that the builder tells of', () => {
  it('are kept in the plan file, in detail where asked for', async () => {
    const file = path.join(folder, 'layers.engine');
    const options = { flavor: 'rtx1', computeCapabilities: ['8.9'] } as const;
    const short = await Engine.build(addOneModel(), options);
    expect(short.inspect().layers).toMatchObject({
      detail: 'tensors',
      layers: [{ precision: 'float32', inputs: [{ name: 'x', shape: [1, 4] }] }],
    });
    await Engine.build(addOneModel(['n', 4]), {
      ...options,
      output: file,
      profilingVerbosity: 'detailed',
      shapes: { x: { min: [1, 4], opt: [2, 4], max: [8, 4] } },
    });
    const { layers } = (await Engine.load(file)).inspect();
    expect(layers).toMatchObject({
      detail: 'detailed',
      io: [
        {
          name: 'x',
          mode: 'input',
          profiles: [{ min: [1, 4], opt: [2, 4], max: [8, 4] }],
        },
        { name: 'y', mode: 'output' },
      ],
    });
    const working = layers!.layers.filter(({ onnxNodes }) => onnxNodes.includes('add'));
    expect(working.length).toBeGreaterThan(0);
    expect(working[0]!.inputs[0]).toMatchObject({ dtype: 'float32', shape: [-1, 4] });
    // Nothing of a plan file is executed or copied by looking at it.
    expect(readFileSync(file).length).toBe((await Engine.load(file)).byteLength);
  });
});
