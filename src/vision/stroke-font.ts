/**
 * A stroke font of our own, so that labels look the same on machines without any font.
 *
 * Each glyph is its width and an SVG path, in units of a sixth of the cap height: capitals from y = 0 to the
 * baseline at y = 6, small letters from y = 2, descenders to y = 8. Drawn with round caps, about 0.9 wide.
 */
const glyphs: Readonly<Record<string, readonly [width: number, path: string]>> = {
  A: [4, 'M0 6L2 0L4 6M.7 4H3.3'],
  B: [4, 'M0 3H2.3A1.5 1.5 0 0 1 2.3 6H0V0H2.1A1.5 1.5 0 0 1 2.1 3'],
  C: [4, 'M4 1.2A2.2 2.2 0 0 0 2.2 0A2.2 3 0 0 0 2.2 6A2.2 2.2 0 0 0 4 4.8'],
  D: [4, 'M0 0V6H1.5A2.5 3 0 0 0 1.5 0Z'],
  E: [3.5, 'M3.5 0H0V6H3.5M0 3H3'],
  F: [3.5, 'M3.5 0H0V6M0 3H3'],
  G: [4.2, 'M4 1.2A2.2 2.2 0 0 0 2.2 0A2.2 3 0 0 0 2.2 6A2 2 0 0 0 4.2 4.8V3.2H2.6'],
  H: [4, 'M0 0V6M4 0V6M0 3H4'],
  I: [0, 'M0 0V6'],
  J: [2.5, 'M2.5 0V4.5A1.3 1.5 0 0 1 0 4.6'],
  K: [4, 'M0 0V6M3.8 0L0 3.6M1.4 2.3L4 6'],
  L: [3.2, 'M0 0V6H3.2'],
  M: [5, 'M0 6V0L2.5 4L5 0V6'],
  N: [4, 'M0 6V0L4 6V0'],
  O: [4.6, 'M2.3 0A2.3 3 0 0 0 2.3 6A2.3 3 0 0 0 2.3 0Z'],
  P: [4, 'M0 6V0H2.2A1.7 1.7 0 0 1 2.2 3.4H0'],
  Q: [4.6, 'M2.3 0A2.3 3 0 0 0 2.3 6A2.3 3 0 0 0 2.3 0ZM2.8 4.2L4.6 6.4'],
  R: [4, 'M0 6V0H2.2A1.7 1.7 0 0 1 2.2 3.4H0M2 3.4L4 6'],
  S: [
    3.8,
    'M3.6 1.2A1.8 1.6 0 0 0 1.9 0A1.75 1.5 0 0 0 1.9 3A1.75 1.5 0 0 1 1.9 6A1.9 1.6 0 0 1 0 4.7',
  ],
  T: [4, 'M0 0H4M2 0V6'],
  U: [4, 'M0 0V4A2 2 0 0 0 4 4V0'],
  V: [4, 'M0 0L2 6L4 0'],
  W: [6, 'M0 0L1.5 6L3 1L4.5 6L6 0'],
  X: [4, 'M0 0L4 6M4 0L0 6'],
  Y: [4, 'M0 0L2 3L4 0M2 3V6'],
  Z: [4, 'M0 0H4L0 6H4'],
  a: [3.4, 'M3.4 2V6M3.4 4A1.7 2 0 1 0 3.4 4.01'],
  b: [3.4, 'M0 0V6M0 4A1.7 2 0 1 1 0 4.01'],
  c: [3.1, 'M3.1 2.7A1.8 2 0 1 0 3.1 5.3'],
  d: [3.4, 'M3.4 0V6M3.4 4A1.7 2 0 1 0 3.4 4.01'],
  e: [3.4, 'M0 4H3.4A1.7 2 0 1 0 2.9 5.4'],
  f: [2.1, 'M2.1 .1A1.2 1.3 0 0 0 .8 1.4V6M0 2.2H2'],
  g: [3.4, 'M3.4 2V6.4A1.7 1.6 0 0 1 .3 7.2M3.4 4A1.7 2 0 1 0 3.4 4.01'],
  h: [3.2, 'M0 0V6M0 3.6A1.6 1.6 0 0 1 3.2 3.6V6'],
  i: [0, 'M0 2V6M0 .3V.5'],
  j: [1, 'M1 2V7A1 1 0 0 1 0 7.9M1 .3V.5'],
  k: [3, 'M0 0V6M2.8 2L0 4.6M1.1 3.6L3 6'],
  l: [0, 'M0 0V6'],
  m: [5, 'M0 2V6M0 3.3A1.25 1.3 0 0 1 2.5 3.3V6M2.5 3.3A1.25 1.3 0 0 1 5 3.3V6'],
  n: [3.2, 'M0 2V6M0 3.6A1.6 1.6 0 0 1 3.2 3.6V6'],
  o: [3.4, 'M1.7 2A1.7 2 0 1 0 1.71 2Z'],
  p: [3.4, 'M0 2V8M0 4A1.7 2 0 1 1 0 4.01'],
  q: [3.4, 'M3.4 2V8M3.4 4A1.7 2 0 1 0 3.4 4.01'],
  r: [2, 'M0 2V6M0 3.6A1.6 1.6 0 0 1 2 2.1'],
  s: [2.8, 'M2.7 2.6A1.4 1.1 0 0 0 1.4 2A1.3 1 0 0 0 1.4 4A1.3 1 0 0 1 1.4 6A1.5 1.1 0 0 1 0 5.3'],
  t: [2.1, 'M.8 .6V4.8A1.2 1.2 0 0 0 2.1 6M0 2.1H2'],
  u: [3.2, 'M0 2V4.4A1.6 1.6 0 0 0 3.2 4.4M3.2 2V6'],
  v: [3.2, 'M0 2L1.6 6L3.2 2'],
  w: [4.8, 'M0 2L1.2 6L2.4 2.6L3.6 6L4.8 2'],
  x: [3, 'M0 2L3 6M3 2L0 6'],
  y: [3.2, 'M0 2L1.6 6M3.2 2L1.1 7.2A.9 .9 0 0 1 0 7.8'],
  z: [3, 'M0 2H3L0 6H3'],
  '0': [4, 'M2 0A2 3 0 0 0 2 6A2 3 0 0 0 2 0Z'],
  '1': [1.6, 'M0 1.3L1.6 0V6'],
  '2': [4, 'M.1 1.6A1.9 1.7 0 0 1 3.8 1.7C3.8 3 0 5 0 6H4'],
  '3': [3.8, 'M.2 1.1A1.8 1.5 0 1 1 2 2.9A1.8 1.55 0 1 1 0 4.8'],
  '4': [4, 'M3 6V0L0 4.3H4'],
  '5': [4, 'M3.6 0H.6L.3 2.6A2 1.9 0 1 1 0 4.9'],
  '6': [4, 'M3.4 .3C1 .8 0 2.6 0 4.1A2 1.9 0 1 0 .1 3.6'],
  '7': [4, 'M0 0H4L1.5 6'],
  '8': [4, 'M2 2.8A1.6 1.4 0 1 1 2.01 2.8M2 2.8A1.95 1.6 0 1 1 1.99 2.8'],
  '9': [4, 'M.6 5.7C3 5.2 4 3.4 4 1.9A2 1.9 0 1 0 3.9 2.4'],
  ' ': [1.6, ''],
  '.': [0, 'M0 5.9V6'],
  ',': [0.4, 'M.4 5.8L0 7'],
  ':': [0, 'M0 2.8V3M0 5.8V6'],
  ';': [0.4, 'M.4 2.8V3M.4 5.8L0 7'],
  '-': [2.4, 'M0 3.8H2.4'],
  '+': [3.2, 'M0 3.8H3.2M1.6 2.2V5.4'],
  '=': [3.2, 'M0 3H3.2M0 4.6H3.2'],
  _: [3.6, 'M0 6.8H3.6'],
  '/': [2.8, 'M0 6.8L2.8 -.4'],
  '%': [5, 'M1.1 .2A1.1 1.2 0 1 0 1.11 .2ZM3.9 3.4A1.1 1.2 0 1 0 3.91 3.4ZM4.4 0L.6 6'],
  '(': [1.2, 'M1.2 -.6A5 5 0 0 0 1.2 7'],
  ')': [1.2, 'M0 -.6A5 5 0 0 1 0 7'],
  '[': [1.2, 'M1.2 -.4H0V6.8H1.2'],
  ']': [1.2, 'M0 -.4H1.2V6.8H0'],
  '#': [4, 'M1.3 0L.7 6M3.3 0L2.7 6M.2 2H4M0 4H3.8'],
  '!': [0, 'M0 0V4M0 5.9V6'],
  '?': [3.5, 'M.1 1.4A1.7 1.5 0 1 1 1.8 3V4M1.8 5.9V6'],
  "'": [0, 'M0 0V1.6'],
  '"': [1.2, 'M0 0V1.6M1.2 0V1.6'],
  '&': [4.4, 'M4.4 6L1 1.8A1.2 1.1 0 1 1 2.8 2C2 3 0 3.2 0 4.6A1.6 1.5 0 0 0 3.6 5.2L4.2 3.6'],
  '*': [2.4, 'M1.2 .4V3M0 1L2.4 2.4M2.4 1L0 2.4'],
  '<': [3, 'M3 2.2L0 3.8L3 5.4'],
  '>': [3, 'M0 2.2L3 3.8L0 5.4'],
};

/** What a character without a glyph looks like. */
const unknownGlyph = [3.4, 'M0 0H3.4V6H0Z'] as const;

/** Between two glyphs, in the same units. */
const letterSpacing = 1.5;

export interface TextPath {
  /** SVG path data with the text's top left at the origin of its first glyph. */
  segments: { x: number; path: string }[];
  /** Width in units; the height above the baseline is 6, below it 2. */
  width: number;
}

/** Lays `text` out on one line. Accents fall off; other characters without a glyph become a box. */
export function layOutText(text: string): TextPath {
  const plain = text.normalize('NFD').replaceAll(/\p{M}/gu, '');
  const segments: TextPath['segments'] = [];
  let x = 0;
  for (const character of plain) {
    const [width, path] = glyphs[character] ?? unknownGlyph;
    if (path !== '') segments.push({ x, path });
    x += width + letterSpacing;
  }
  return { segments, width: Math.max(0, x - letterSpacing) };
}
