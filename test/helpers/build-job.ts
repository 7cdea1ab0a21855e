import { checkBuildOptions, type EngineBuildOptions } from '../../src/engine/build-options';
import type { BuildProcess } from '../../src/engine/build-process';
import { rtxLibrary } from './trt';

type BuildJob = Parameters<BuildProcess['run']>[0];

/** A job for a build process as the builder makes it, for the library that is named or for TensorRT-RTX. */
export function buildJob(
  modelPath: string,
  outputPath: string,
  options: EngineBuildOptions = {},
): BuildJob {
  const { flavor: _, ...checked } = checkBuildOptions(options);
  return {
    library: { flavor: 'rtx1', version: '1.7.1.116', ...rtxLibrary! },
    modelPath,
    options: checked,
    temporaryPath: `${outputPath}.partial`,
    outputPath,
  };
}
