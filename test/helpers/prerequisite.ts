import { describe, it } from 'vitest';

export type Suite = Pick<typeof describe, 'each'> & ((name: string, body: () => void) => void);

/**
 * `describe` where what a suite needs is there. Elsewhere its body, which may read just that, is not run, and the
 * suite counts as one skipped test that says what is needed.
 */
export function suiteThatNeeds(what: string, isThere: boolean): Suite {
  if (isThere) return describe;
  const absent: Suite = Object.assign(
    (name: string) => describe(name, () => it(`needs ${what}`, (context) => context.skip())),
    { each: () => absent },
  ) as unknown as Suite;
  return absent;
}
