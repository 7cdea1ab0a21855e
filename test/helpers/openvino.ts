import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from './data';
import { suiteThatNeeds } from './prerequisite';

const folder = path.join(projectRoot, '.sdk', 'test', 'openvino', 'libs');

/** The C library that set-up fetched for tests, or that TENSORRT_NODE_OPENVINO names; undefined without any. */
export const openVinoLibrary: string | undefined =
  process.env.TENSORRT_NODE_OPENVINO ??
  (existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.startsWith('libopenvino_c.so'))
        .map((name) => path.join(folder, name))[0]
    : undefined);

/** Session options that ask for it. */
export const onOpenVino = {
  backend: 'cpu',
  cpu: { engine: 'openvino', ...(openVinoLibrary ? { library: openVinoLibrary } : {}) },
} as const;

/** A suite that needs OpenVINO; where it is absent it counts as one skipped test. */
export const describeWithOpenVino = suiteThatNeeds(
  'OpenVINO: npm run setup -- --tests',
  openVinoLibrary !== undefined,
);
