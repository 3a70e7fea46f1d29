import * as tf from '@tensorflow/tfjs';

/** The TensorFlow.js that was bundled with the program. */
export function peerTf(): typeof tf {
  return tf;
}
