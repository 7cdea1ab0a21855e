import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EngineBuilder } from '../../src/engine/builder';
import { TensorRTNodeError } from '../../src/errors';
import { loadOnnxModel } from '../../src/onnx/graph';
import { schemas } from '../../src/onnx/schema';
import { allNodes } from '../../src/onnx/walk';
import { projectRoot } from '../helpers/data';
import { type Field, lists, parse, write } from './onnx-tree';

/** Models that ended a build process once; `test/process/crashes.test.ts` runs them all. */
export const crashFolder = path.join(projectRoot, 'test', 'fixtures', 'crashes');

/** Fixtures stay small; a crash that needs more than this is reported and not kept. */
const maxFixtureBytes = 4096;
/** Attempts to reduce one model: each that crashes takes half a second. */
const maxTries = 150;

/**
 * Takes a model apart as long as `isBad` holds: fields are removed, the largest first. Bytes that are no protobuf message come back as they are.
 */
export async function minimize(
  bytes: Uint8Array,
  isBad: (bytes: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let tree: Field[];
  try {
    tree = parse(bytes, schemas.model);
  } catch {
    return bytes;
  }
  for (let changed = true, tries = 0; changed && tries < maxTries; ) {
    changed = false;
    const places = lists(tree)
      .flatMap((list) => list.map((field) => ({ list, field })))
      .sort((a, b) => sizeOf(b.field) - sizeOf(a.field));
    for (const { list, field } of places) {
      const at = list.indexOf(field);
      // It went together with what held it.
      if (at < 0 || !lists(tree).includes(list) || ++tries > maxTries) continue;
      list.splice(at, 1);
      if (await isBad(write(tree))) changed = true;
      else list.splice(at, 0, field);
    }
  }
  return write(tree);
}

function sizeOf(field: Field): number {
  return write([field]).length;
}

/** What two crashes of the same kind have in common: the shape of the reduced file, without names and values. */
function signatureOf(bytes: Uint8Array): string {
  const shape = (fields: Field[]): string =>
    fields.map((f) => `${f.number}${f.children ? `(${shape(f.children)})` : ''}`).join(',');
  try {
    return shape(parse(bytes, schemas.model));
  } catch {
    return Buffer.from(bytes).toString('hex');
  }
}

/** How sound a model is: 0 our reader refuses it, 1 it reads, 2 each node has an input and an output too. */
async function soundness(bytes: Uint8Array): Promise<number> {
  try {
    const { proto } = await loadOnnxModel(bytes);
    const nodes = [...allNodes(proto.graph)];
    return nodes.every(
      ({ opType, inputs, outputs }) =>
        outputs.length > 0 && (inputs.length > 0 || opType === 'Constant'),
    )
      ? 2
      : 1;
  } catch {
    return 0;
  }
}

/** Reduces files that crash the build process and keeps one of each kind with the fixtures. */
export async function keepCrashes(files: readonly string[]): Promise<string[]> {
  mkdirSync(crashFolder, { recursive: true });
  const builder = new EngineBuilder();
  const crashes = async (bytes: Uint8Array): Promise<boolean> => {
    try {
      await builder.build(bytes, { flavor: 'rtx1', timeoutMs: 30_000 });
    } catch (error) {
      return error instanceof TensorRTNodeError && error.code === 'ERR_BUILD_CRASHED';
    }
    return false;
  };
  const kept: string[] = [];
  const seen = new Set<string>();
  for (const file of files) {
    const original = new Uint8Array(readFileSync(file));
    if (!(await crashes(original))) {
      kept.push(`${path.basename(file)}: not seen again`);
      continue;
    }
    // A sound model stays as sound: else every model ends as the same few bytes of nonsense.
    const sound = await soundness(original);
    const small = await minimize(
      original,
      async (bytes) => (await soundness(bytes)) >= sound && crashes(bytes),
    );
    const signature = signatureOf(small);
    if (seen.has(signature) || small.length > maxFixtureBytes) continue;
    seen.add(signature);
    const target = path.join(crashFolder, `build-${path.basename(file)}`);
    if (!existsSync(target)) writeFileSync(target, small);
    kept.push(`${path.basename(target)}: ${small.length} bytes, ${signature}`);
  }
  await builder.dispose();
  return kept;
}
