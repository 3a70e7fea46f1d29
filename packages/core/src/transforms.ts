// Ready functions for `map`: plain, each gives a new array, and random choices are the caller's, from `context.random`.
export { crop, flipLeftRight, type CropBox } from './transforms/crop-and-flip.js';
export { decodeImage, resizeImage, type DecodeOptions, type ImageSize } from './transforms/images.js';
export { normalise, oneHot, type Normalisation } from './transforms/numbers.js';
