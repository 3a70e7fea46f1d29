import * as tf from '@tensorflow/tfjs';

const WIDTH = 48;
const BLOCKS = 1;

/** Ids as vectors that are learned, and where they stand as waves: any sequence length will do. */
class Embedding extends tf.layers.Layer {
  static className = 'Embedding';
  readonly #vocabSize: number;
  #table: tf.LayerVariable | undefined;

  constructor(vocabSize: number) {
    super({});
    this.#vocabSize = vocabSize;
  }

  override build(): void {
    const initializer = tf.initializers.randomNormal({ stddev: 0.1, seed: 1 });
    this.#table = this.addWeight('table', [this.#vocabSize, WIDTH], 'float32', initializer);
    this.built = true;
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return [...shape, WIDTH];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const ids = Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs;
      const [batch = 0, length = 0] = ids.shape;
      // A product, not a gather: the wasm backend has the gradient of this one.
      const ones = tf.oneHot(ids.cast('int32').reshape([batch * length]), this.#vocabSize).cast('float32');
      const vectors = ones.matMul(this.#table?.read() as tf.Tensor2D).reshape([batch, length, WIDTH]);
      return vectors.add(waves(length));
    });
  }
}

/** @see Vaswani et al., "Attention Is All You Need" (2017), 3.5 */
function waves(length: number): tf.Tensor2D {
  const values = Float32Array.from({ length: length * WIDTH }, (_, i) => {
    const angle = Math.floor(i / WIDTH) / 10_000 ** ((2 * Math.floor((i % WIDTH) / 2)) / WIDTH);
    return 0.1 * (i % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  });
  return tf.tensor2d(values, [length, WIDTH]);
}

/** Of queries, keys and values: what each position takes from those before it and from itself. */
class CausalAttention extends tf.layers.Layer {
  static className = 'CausalAttention';

  override computeOutputShape(shapes: tf.Shape | tf.Shape[]): tf.Shape {
    return (shapes as tf.Shape[])[0] as tf.Shape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [queries, keys, values] = inputs as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
      const [, length] = queries.shape;
      const later = Float32Array.from({ length: length * length }, (_, i) =>
        i % length > Math.floor(i / length) ? -1e9 : 0,
      );
      const scores = tf.matMul(queries, keys, false, true).mul(WIDTH ** -0.5);
      return tf.matMul(tf.softmax(scores.add(tf.tensor2d(later, [length, length]))), values);
    });
  }
}

/** A causal transformer in small, with seeds for its first weights, so that every run begins alike. */
export function makeModel(vocabSize: number): tf.LayersModel {
  let seed = 2;
  const dense = (units: number, activation: 'linear' | 'relu' | 'softmax' = 'linear') =>
    tf.layers.dense({ units, activation, kernelInitializer: tf.initializers.glorotUniform({ seed: seed++ }) });
  const add = (a: tf.SymbolicTensor, b: tf.SymbolicTensor) => tf.layers.add().apply([a, b]) as tf.SymbolicTensor;
  const apply = (layer: tf.layers.Layer, x: tf.SymbolicTensor | tf.SymbolicTensor[]) =>
    layer.apply(x) as tf.SymbolicTensor;

  const ids = tf.input({ shape: [null], dtype: 'int32' });
  let x = apply(new Embedding(vocabSize), ids);
  for (let block = 0; block < BLOCKS; block++) {
    const parts = [dense(WIDTH), dense(WIDTH), dense(WIDTH)].map((layer) => apply(layer, x));
    x = add(x, apply(dense(WIDTH), apply(new CausalAttention({}), parts)));
    x = add(x, apply(dense(WIDTH), apply(dense(4 * WIDTH, 'relu'), x)));
  }
  const model = tf.model({ inputs: ids, outputs: apply(dense(vocabSize, 'softmax'), x) });
  model.compile({ optimizer: tf.train.adam(0.003), loss: 'sparseCategoricalCrossentropy' });
  return model;
}
