import { createPublicKey } from 'node:crypto';
import { resolve } from 'node:path';
import { TensorRTNodeError } from '../errors';
import { type ModelSource, openModel } from '../session/model-input';
import { invalidArgument, reading } from '../validate';
import { engineCacheKey } from './build-key';
import { checkBuildOptions, type EngineBuildOptions } from './build-options';
import type { BuildReport } from './build-report';
import { EngineCache } from './cache';
import { endOn } from './end-on';
import { Engine } from './engine';
import { selectTensorRT } from './library';
import { keyIdOf, toPrivateKey } from './signature';

type Build = (model: ModelSource, options: EngineBuildOptions) => Promise<Engine>;

/**
 * A build that goes through a cache, is signed, or both.
 * @param build builds without either
 */
export async function buildKept(
  model: ModelSource,
  { cache, signingKey, ...options }: EngineBuildOptions,
  build: Build,
): Promise<Engine> {
  const key = signingKey === undefined ? undefined : toPrivateKey('options.signingKey', signingKey);
  const store = toCache(cache);
  if (store === undefined) {
    const engine = await build(model, options);
    if (key) await engine.sign(key);
    return engine;
  }
  checkBuildOptions(options);
  options.signal?.throwIfAborted();
  const input = await openModel(model);
  if (input.kind !== 'onnx') return build(model, options); // Says what is wrong.
  const library = await selectTensorRT({
    ...(options.flavor === undefined ? {} : { flavor: options.flavor }),
    purpose: 'build',
  });
  const signer = key && keyIdOf(createPublicKey(key));
  const cacheKey = await engineCacheKey(input, options, library, signer);
  const limit = timeLimit(options);
  // One limit for the wait and the build together.
  const { timeoutMs: _, signal: __, ...untimed } = options;
  const limited = limit.signal ? { signal: limit.signal } : {};
  let report: BuildReport | undefined;
  try {
    const { path, hit } = await store.getOrBuild(
      cacheKey,
      async (temporary) => {
        const engine = await build(model, {
          ...untimed,
          ...limited,
          flavor: library.flavor,
          output: temporary,
        });
        report = engine.buildReport;
        const { onnxSha256 } = engine.inspect();
        if (onnxSha256 !== undefined && onnxSha256 !== cacheKey.onnxSha256) {
          throw new TensorRTNodeError(
            'ERR_INVALID_MODEL',
            `Expected ${input.label} to stay as it is during the build but it was changed`,
          );
        }
        if (key) await engine.sign(key);
      },
      limited,
    );
    const told = { fromCache: hit, ...(report === undefined ? {} : { report }) };
    const kept = await Engine.fromCacheFile(path, { ...told, isCopy: false });
    if (options.output === undefined) return kept;
    await kept.save(options.output);
    return await Engine.fromCacheFile(resolve(options.output), { ...told, isCopy: true });
  } finally {
    limit.clear();
  }
}

/** The cache that the option means, or undefined for none. */
export function toCache(value: EngineBuildOptions['cache']): EngineCache | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return new EngineCache();
  if (value instanceof EngineCache) return value;
  if (typeof value !== 'object' || value === null)
    throw invalidArgument('options.cache', 'a boolean, an EngineCache or its options', value);
  return reading('options.cache', () => new EngineCache(value));
}

/** The caller's signal and time limit in one signal, since another process's build is waited for under both. */
function timeLimit({ signal, timeoutMs }: EngineBuildOptions): {
  signal: AbortSignal | undefined;
  clear(): void;
} {
  if (timeoutMs === undefined) return { signal, clear: () => {} };
  const controller = new AbortController();
  const clear = endOn((reason) => controller.abort(reason), {
    signal,
    timeoutMs,
    message: `The build did not end within ${timeoutMs} ms`,
  });
  return { signal: controller.signal, clear };
}
