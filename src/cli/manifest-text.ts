import { type Compatibility, explainCompatibility } from '../engine/compatibility';
import { describeEngineMachine } from '../engine/machine';
import { type EngineManifest, Manifest } from '../engine/manifest';
import { formatBytes, printable, table } from './text';

export interface ManifestReport extends EngineManifest {
  path: string;
  /** Of each engine, in the manifest's order. */
  compatibility: Compatibility[];
  /** Name of the engine that this machine takes; absent where none fits. */
  match?: string;
}

/** A manifest with what this machine makes of it. @throws as `Manifest.read` */
export async function judgeManifest(file: string): Promise<ManifestReport> {
  const manifest = await Manifest.read(file);
  const machine = await describeEngineMachine();
  const { engines } = manifest.content;
  const compatibility = engines.map(({ facts }) => explainCompatibility(facts, machine));
  const indexOf = (runs: Compatibility['runs']): number =>
    compatibility.findIndex((item) => item.runs === runs);
  const match = engines[indexOf('yes')] ?? engines[indexOf('unknown')];
  return {
    path: manifest.path,
    ...manifest.content,
    compatibility,
    ...(match === undefined ? {} : { match: match.name }),
  };
}

/** The text that the command prints for a manifest. */
export function manifestText(report: ManifestReport): string {
  const { engines, failures, compatibility, match } = report;
  const rows = engines.map(({ name, byteLength }, index) => [
    name,
    formatBytes(byteLength),
    `runs here: ${compatibility[index]!.runs}`,
  ]);
  const lines = [
    `${report.path}: ${engines.length} engines, ${failures.length} failed`,
    ...table(rows).map((line) => `  ${line}`),
    ...failures.map(({ name, code, message }) => `  ${printable(`${name}: ${code}: ${message}`)}`),
    match === undefined
      ? `This machine takes none of them. ${compatibility[0]?.summary ?? ''}`.trim()
      : `This machine takes ${printable(match)}.`,
  ];
  return `${lines.join('\n')}\n`;
}
