import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from './native/binding';

let version: string | undefined;

/** Version of this package. */
export function packageVersion(): string {
  version ??= (
    JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  ).version;
  return version;
}
