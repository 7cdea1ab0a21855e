/** What stands behind a test: design.md section 6. */
export const layers = {
  house: 'plain code',
  sanitizers: 'ASan + UBSan',
  tensorrt: 'real TensorRT build, no device',
  cpu: 'CPU backend',
  package: 'packed install',
  gpu: 'GPU',
};

/** First match wins; a file is named after what it tests, so its path tells. */
const patterns = [
  [/^test\/package\//, layers.package],
  [/^test\/(unit\/)?(trt|engine)\/|(engine-build|builder|tensorrt)/, layers.tensorrt],
  [/^test\/(session|vision|examples)\/|session|predict|parity/, layers.cpu],
];

/** @param {string} file path relative to the project root */
export const layerOf = (file) =>
  patterns.find(([pattern]) => pattern.test(file))?.[1] ?? layers.house;
