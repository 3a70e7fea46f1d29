import { commonSchema, joinStage, originOfInput, type JoinInput } from './join-stage.js';
import type { Stage } from './stage.js';

/** All of the first input, then all of the second, … */
export function concatStage(inputs: readonly JoinInput[], unit: number): Stage {
  const schema = () => commonSchema('concatStreams', inputs);
  return joinStage('concat', inputs, unit, schema, ({ epoch, ended, pull, after }) => async () => {
    for (const i of inputs.keys()) {
      if (ended.has(i)) continue;
      const element = await pull(i);
      if (element === undefined) continue;
      const origin = originOfInput(element.origin, 'concatStreams', i);
      return { ...element, origin, epoch, lastEpoch: epoch, after: after(), follow: undefined };
    }
    return undefined;
  });
}
