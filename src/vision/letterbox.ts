/** Geometry of the letterbox: where a picture lies on the network's input. Pure arithmetic, no pixels. */

import type { BoxMapping } from '../native/vision-contract';
import { requireInteger } from '../validate';

/** Largest side of a network input that the native code accepts, in pixels. */
export const maxCanvasSide = 65_536;
/** Largest side of a picture that the native code accepts, in pixels. */
export const maxImageSide = 1_048_576;

export interface Size {
  width: number;
  height: number;
}

/** Where a resized picture lies on the canvas. All in pixels of the canvas. */
export interface LetterboxPlan {
  canvasWidth: number;
  canvasHeight: number;
  resizedWidth: number;
  resizedHeight: number;
  padLeft: number;
  padTop: number;
  padRight: number;
  padBottom: number;
  /** resizedWidth / width of the picture; differs from gainY by rounding. */
  gainX: number;
  gainY: number;
}

export interface LetterboxOptions {
  /**
   * Cut the border down to what makes each side a multiple of {@link stride}, as Ultralytics does with
   * `rect=True` on models of dynamic size. Default false: the canvas is exactly `size`.
   */
  minimal?: boolean;
  /** The model's stride in pixels, for `minimal`. Default 32. */
  stride?: number;
}

/** To the nearest integer, halves to the even one: Python's round(). */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Fits `image` into `size`, centred, small pictures enlarged.
 *
 * ratio = min(size.height / height, size.width / width); each new side is the rounded product, at least 1. Of
 * an uneven border the smaller part is above and to the left. Rounding follows Python's, the formulas the
 * behaviour of Ultralytics' predictor.
 *
 * @throws ERR_INVALID_ARGUMENT for sides that are no positive integers or beyond the limits.
 */
export function planLetterbox(
  image: Size,
  size: Size,
  options: LetterboxOptions = {},
): LetterboxPlan {
  const width = requireInteger('image width', image.width, 1, maxImageSide);
  const height = requireInteger('image height', image.height, 1, maxImageSide);
  const targetWidth = requireInteger('input width', size.width, 1, maxCanvasSide);
  const targetHeight = requireInteger('input height', size.height, 1, maxCanvasSide);
  const stride = requireInteger('stride', options.stride ?? 32, 1, maxCanvasSide);

  const ratio = Math.min(targetHeight / height, targetWidth / width);
  const resizedWidth = Math.max(1, roundHalfEven(width * ratio));
  const resizedHeight = Math.max(1, roundHalfEven(height * ratio));
  let borderX = targetWidth - resizedWidth;
  let borderY = targetHeight - resizedHeight;
  if (options.minimal) {
    borderX %= stride;
    borderY %= stride;
  }
  const padLeft = roundHalfEven(borderX / 2 - 0.1);
  const padTop = roundHalfEven(borderY / 2 - 0.1);
  return {
    canvasWidth: resizedWidth + borderX,
    canvasHeight: resizedHeight + borderY,
    resizedWidth,
    resizedHeight,
    padLeft,
    padTop,
    padRight: borderX - padLeft,
    padBottom: borderY - padTop,
    gainX: resizedWidth / width,
    gainY: resizedHeight / height,
  };
}

/** How boxes on the canvas of `plan` go back to the picture of size `image`. */
export function boxMapping(image: Size, plan: LetterboxPlan): BoxMapping {
  return {
    padX: plan.padLeft,
    padY: plan.padTop,
    gainX: plan.gainX,
    gainY: plan.gainY,
    width: image.width,
    height: image.height,
  };
}
