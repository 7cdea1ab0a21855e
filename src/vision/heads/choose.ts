import { TensorRTNodeError } from '../../errors';
import type { DetectionHead, HeadLayout, ModelFacts } from './head';
import { topKLayout } from './top-k';
import { yolov8Layout } from './yolov8';

/** Every layout that can be decoded, in the order they are tried. */
export const headLayouts: readonly HeadLayout[] = [yolov8Layout, topKLayout];

const dimText = (dim: number | null): string => (dim === null || dim < 0 ? '?' : String(dim));

/**
 * The head for a model's outputs.
 *
 * @throws ERR_UNSUPPORTED_MODEL when no layout fits; the message shows the shapes seen and the layouts known.
 */
export function chooseHead(facts: ModelFacts): DetectionHead {
  for (const layout of headLayouts) {
    const head = layout.recognise(facts);
    if (head) return head;
  }
  const seen = facts.outputs
    .map(({ name, dims, dtype }) => `${name} [${dims.map(dimText).join(', ')}] ${dtype}`)
    .join('; ');
  const metadata = [
    facts.task === undefined ? 'no task in its metadata' : `task ${facts.task}`,
    facts.classCount === undefined ? 'no class names' : `${facts.classCount} class names`,
  ].join(', ');
  const layouts = headLayouts.map(({ name, description }) => `${name}: ${description}`);
  throw new TensorRTNodeError(
    'ERR_UNSUPPORTED_MODEL',
    `Expected outputs of a known layout but received ${seen || 'no outputs'} (${metadata}). ` +
      `Known layouts: ${layouts.join('; ')}`,
    { details: layouts },
  );
}
