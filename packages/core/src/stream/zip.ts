import type { Schema } from '../schema/types.js';
import { joinStage, type JoinInput } from './join-stage.js';
import type { Element, Stage } from './stage.js';

/** Records of several inputs side by side, as tuples; it ends with the first input that does. */
export function zipStage(inputs: readonly JoinInput[], unit: number): Stage<unknown[]> {
  const schema = (): Schema | undefined => {
    const schemas = inputs.map(({ stage }) => stage.schema);
    return schemas.includes(undefined) ? undefined : (schemas as Schema[]);
  };
  return joinStage('zip', inputs, unit, schema, ({ epoch, ended, pull, after }) => async () => {
    if (ended.size > 0) return undefined;
    const row: Element[] = [];
    for (const i of inputs.keys()) {
      const element = await pull(i);
      if (element === undefined) return undefined;
      row.push(element);
    }
    const { origin } = row[0] as Element;
    return { value: row.map(({ value }) => value), origin, epoch, lastEpoch: epoch, after: after() };
  });
}
