import { refuse } from './layer.js';

/** Refuses a name that two of a graph's inputs and outputs would have. */
export function refuseDuplicates(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    refuse(
      `sequential: ${JSON.stringify(twice)} would name two inputs or outputs of the graph; rename the input, or the layer by its option name`,
      { name: twice },
    );
}
