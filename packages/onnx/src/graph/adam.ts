import type { GraphWriter, Value } from './graph-writer.js';
import { numberOf } from './options.js';
import { optimizerOptions, type Optimizer } from './optimizer.js';

export interface AdamOptions {
  /** From 0 to below 1; default 0.9, as in tfjs and PyTorch. */
  readonly beta1?: number | undefined;
  /** From 0 to below 1; default 0.999, as in tfjs and PyTorch. */
  readonly beta2?: number | undefined;
  /** Above 0; default 1e-8, as in PyTorch (tfjs: 1e-7). */
  readonly epsilon?: number | undefined;
}

export interface AdamWOptions extends AdamOptions {
  /** How much of each parameter, times lr, is taken away in a step; default 0.01, as in PyTorch (tfjs has no AdamW). */
  readonly weightDecay?: number | undefined;
}

/** The number of steps until now. */
const STEP = 'adam.step';

/**
 * Adam, as tfjs's and PyTorch's. It keeps `P.m` and `P.v` of each parameter P, and `adam.step`, the number of steps.
 * @see Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), Algorithm 1
 * @throws DataRefError INVALID_ARGUMENT
 */
export function adam(options?: AdamOptions): Optimizer {
  const given = optimizerOptions('adam', options, ['beta1', 'beta2', 'epsilon']);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = given;
  return optimizer('adam', { beta1, beta2, epsilon, weightDecay: 0 });
}

/**
 * Adam with decoupled weight decay of every parameter, biases too, as PyTorch's AdamW: parameter ← parameter − lr ·
 * weightDecay · parameter before Adam's step. It keeps what Adam keeps.
 * @see Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), Algorithm 2
 * @throws DataRefError INVALID_ARGUMENT
 */
export function adamW(options?: AdamWOptions): Optimizer {
  const given = optimizerOptions('adamW', options, ['beta1', 'beta2', 'epsilon', 'weightDecay']);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = given;
  return optimizer('adamW', { beta1, beta2, epsilon, weightDecay });
}

function optimizer(kind: string, rates: Required<{ readonly [K in keyof AdamWOptions]: number }>): Optimizer {
  const { beta1, beta2, epsilon, weightDecay } = rates;
  numberOf(`${kind}: beta1`, beta1, 0, 1);
  numberOf(`${kind}: beta2`, beta2, 0, 1);
  numberOf(`${kind}: epsilon`, epsilon, Number.MIN_VALUE);
  numberOf(`${kind}: weightDecay`, weightDecay, 0);
  return {
    kind,
    state: (parameters) => [
      { name: STEP, shape: [] },
      ...parameters.flatMap(({ name, shape }) => [
        { name: `${name}.m`, shape },
        { name: `${name}.v`, shape },
      ]),
    ],
    update(g, gradients) {
      const step = g.op('Add', [STEP, g.float(1)], {}, `${STEP}.out`);
      const rate = g.op('Div', ['lr', biasCorrection(g, beta1, step)]);
      const spread = g.op('Sqrt', [biasCorrection(g, beta2, step)]);
      const kept = weightDecay === 0 ? undefined : g.op('Sub', [g.float(1), g.op('Mul', ['lr', g.float(weightDecay)])]);
      for (const [name, gradient] of gradients) {
        const m = average(g, `${name}.m`, beta1, gradient);
        const v = average(g, `${name}.v`, beta2, g.op('Mul', [gradient, gradient]));
        const root = g.op('Add', [g.op('Div', [g.op('Sqrt', [v]), spread]), g.float(epsilon)]);
        const from = kept === undefined ? name : g.op('Mul', [name, kept]);
        g.op('Sub', [from, g.op('Mul', [rate, g.op('Div', [m, root])])], {}, `${name}.out`);
      }
    },
  };
}

/** 1 − beta^step. In float64, since float32 has too few digits near 1. */
function biasCorrection(g: GraphWriter, beta: number, step: Value): Value {
  const power = g.op('Pow', [g.double(beta), g.cast(step, 'float64')]);
  return g.cast(g.op('Sub', [g.double(1), power]), 'float32');
}

/** beta · kept + (1 − beta) · now, written as the output of what is kept. */
function average(g: GraphWriter, name: string, beta: number, now: Value): Value {
  const old = g.op('Mul', [name, g.float(beta)]);
  return g.op('Add', [old, g.op('Mul', [now, g.float(1 - beta)])], {}, `${name}.out`);
}
