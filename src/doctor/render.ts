import { stripVTControlCharacters } from 'node:util';
import type { TensorRTCandidate } from '../engine/library';
import type { EngineCandidate } from '../session/engine-library';
import type { Ability, Diagnosis } from './diagnose';

export interface RenderOptions {
  /** Default 100. */
  readonly columns?: number;
  readonly color?: boolean;
}

/** The diagnosis for people, at most `columns` wide except where a path alone is longer. */
export function render(diagnosis: Diagnosis, options: RenderOptions = {}): string {
  const page = new Page(options.columns ?? 100, options.color === true);
  page.line(page.bold(`tensorrt-node ${diagnosis.version}`));
  page.blank();
  ability(page, 'run on the CPU', diagnosis.abilities.cpu);
  ability(page, 'run on a GPU', diagnosis.abilities.gpu);
  ability(page, 'build engines', diagnosis.abilities.build);

  machine(page, diagnosis);
  gpu(page, diagnosis);
  libraries(page, diagnosis);
  if (diagnosis.advice.length > 0) {
    page.title('What to do');
    diagnosis.advice.forEach(({ lack, fix }, index) => {
      page.wrapped(`  ${index + 1}. `, lack);
      page.wrapped(`     ${page.green('→')} `, fix);
    });
  }
  return page.text();
}

function ability(page: Page, name: string, { works, reason }: Ability): void {
  page.wrapped(`${works ? page.green('✓') : page.red('✗')} ${name.padEnd(15)} `, reason);
}

function machine(page: Page, { machine: facts, addon, sharp, root }: Diagnosis): void {
  page.title('Machine');
  const glibc = facts.glibc === undefined ? 'no glibc' : `glibc ${facts.glibc}`;
  page.fact('system', `${facts.system}, Linux ${facts.kernel}, ${facts.arch}, ${glibc}`);
  const cores =
    facts.availableCores === facts.cores
      ? `${facts.cores} cores`
      : `${facts.availableCores} of ${facts.cores} cores`;
  page.fact('CPU', `${facts.cpu}, ${cores}`);
  if (addon.cpuFeatures)
    page.fact('', addon.cpuFeatures.join(' ') || 'no vector instructions used');
  const limit =
    facts.memoryLimitBytes === undefined ? '' : `, limited to ${gib(facts.memoryLimitBytes)}`;
  page.fact('memory', `${gib(facts.memoryBytes)}${limit}`);
  page.fact('Node.js', `${facts.node}, ${facts.nodePath}`);
  page.fact('package', root);
  if (addon.error !== undefined) page.fact('addon', page.red(addon.error));
  if (addon.path !== undefined) page.fact(addon.error === undefined ? 'addon' : '', addon.path);
  if (addon.flavors) {
    const compiled = Object.entries(addon.flavors.compiled).map(
      ([flavor, version]) => `${flavor} (headers ${version.text})`,
    );
    page.fact('', `TensorRT flavours: ${compiled.join(', ') || 'none'}`);
  }
  page.fact(
    'sharp',
    sharp.error === undefined
      ? `${sharp.version}, libvips ${sharp.libvips}`
      : page.red(sharp.error),
  );
}

function gpu(page: Page, { cuda, nvidia }: Diagnosis): void {
  page.title('CUDA');
  if (nvidia.jetson !== undefined) page.fact('board', nvidia.jetson);
  if (nvidia.kernelModule !== undefined) page.fact('kernel driver', nvidia.kernelModule);
  if (cuda === undefined) {
    page.fact('driver', 'not asked, since the addon cannot be loaded');
    return;
  }
  if (cuda.libraryPath !== undefined) {
    page.fact('driver', `${cuda.libraryPath}, up to CUDA ${cuda.cudaVersion ?? 'unknown'}`);
  }
  for (const device of cuda.devices) {
    const memory = `${gib(device.memoryBytes)}${device.isIntegrated ? ', shared with the CPU' : ''}`;
    page.fact(
      `device ${device.ordinal}`,
      `${device.name || 'unnamed'}, compute capability ${device.computeCapability}, ${memory}, ${device.multiprocessors} multiprocessors`,
    );
    page.fact('', [device.uuid, device.pciBusId].filter(Boolean).join(', '));
    for (const problem of device.problems) page.fact('', page.yellow(problem));
  }
  if (cuda.reason !== undefined) {
    const name = cuda.libraryPath === undefined ? 'driver' : '';
    page.fact(name, cuda.devices.length === 0 ? cuda.reason : page.yellow(cuda.reason));
  }
  const hasTrace = nvidia.pciGpus > 0 || nvidia.jetson !== undefined || nvidia.isWsl;
  if (cuda.devices.length === 0 && !hasTrace) page.fact('devices', 'no sign of an NVIDIA GPU here');
}

function libraries(page: Page, { tensorrt, onnxruntime, openvino }: Diagnosis): void {
  page.title('TensorRT libraries');
  if (tensorrt.length === 0) page.wrapped('  ', 'none found');
  for (const candidate of tensorrt) trtCandidate(page, candidate);
  page.title('ONNX Runtime libraries');
  cpuEngine(page, onnxruntime, 'none found');
  page.title('OpenVINO libraries');
  cpuEngine(page, openvino, 'none found, and none needed');
}

function cpuEngine(page: Page, facts: Diagnosis['onnxruntime' | 'openvino'], none: string): void {
  if (facts.candidates.length === 0) page.wrapped('  ', none);
  for (const candidate of facts.candidates) {
    const isTaken = candidate.path === facts.path;
    const mark = isTaken ? page.green('✓') : page.dim('–');
    page.wrapped(`  ${mark} `, candidate.path);
    page.wrapped('    ', engineVerdict(candidate, isTaken ? facts.version : undefined));
  }
}

function trtCandidate(page: Page, candidate: TensorRTCandidate): void {
  const { flavor, version, origin, refusal, buildRefusal, parserPath } = candidate;
  const isGood = refusal === undefined;
  page.wrapped(`  ${isGood ? page.green('✓') : page.red('✗')} `, candidate.path);
  const name = flavor === undefined ? '' : `${flavor} ${version}, `;
  page.wrapped('    ', `${name}found by ${originText[origin]}`);
  if (parserPath !== undefined) page.wrapped('    ', `parser ${parserPath}`);
  if (!isGood) page.wrapped('    ', page.red(refusal));
  else if (buildRefusal !== undefined)
    page.wrapped('    ', page.yellow(`runs engines, does not build them: ${buildRefusal}`));
}

const originText: Record<TensorRTCandidate['origin'], string> = {
  environment: 'TENSORRT_NODE_LIBRARY_PATH or TENSORRT_ROOT',
  setup: 'npm run setup',
  'library-path': 'LD_LIBRARY_PATH',
  loader: 'ldconfig',
  system: 'looking into the usual folders',
  python: 'looking into Python packages',
};

function engineVerdict({ origin, exists, reason }: EngineCandidate, version?: string): string {
  if (version !== undefined) return `${version}, taken; ${origin}`;
  if (reason !== undefined) return `${reason}; ${origin}`;
  return exists ? `not needed, an earlier one was taken; ${origin}` : `absent; ${origin}`;
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

/** Lines of text with hanging indents. */
class Page {
  readonly #columns: number;
  readonly #color: boolean;
  readonly #lines: string[] = [];

  constructor(columns: number, color: boolean) {
    this.#columns = columns;
    this.#color = color;
  }

  bold = (text: string): string => this.#paint('1', text);
  dim = (text: string): string => this.#paint('2', text);
  red = (text: string): string => this.#paint('31', text);
  green = (text: string): string => this.#paint('32', text);
  yellow = (text: string): string => this.#paint('33', text);

  line(text: string): void {
    this.#lines.push(text);
  }

  blank(): void {
    this.line('');
  }

  title(text: string): void {
    this.blank();
    this.line(this.bold(text));
  }

  /** A name and its value, the values below each other. */
  fact(name: string, value: string): void {
    if (value !== '') this.wrapped(`  ${this.dim(name.padEnd(15))}`, value);
  }

  /** Breaks `text` at spaces; further lines start under the first one's text. */
  wrapped(prefix: string, text: string): void {
    const indent = width(prefix);
    let line = prefix;
    let isEmpty = true;
    for (const word of text.split(/\s+/).filter(Boolean)) {
      if (!isEmpty && width(line) + 1 + width(word) > this.#columns) {
        this.line(line);
        line = ' '.repeat(indent);
        isEmpty = true;
      }
      line += isEmpty ? word : ` ${word}`;
      isEmpty = false;
    }
    this.line(line);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #paint(code: string, text: string): string {
    return this.#color ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}
