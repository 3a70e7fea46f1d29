import type { Schema } from '../schema/types.js';

/** Steps by the schemas that were declared for them, which later steps hand on as they are. */
const steps = new WeakMap<Schema, string>();

/** @param functions user functions of the pipeline before the step's */
export function nameStep(what: string, functions: number): string {
  return functions === 0 ? what : `${what}, function ${functions + 1} of the pipeline`;
}

/** A schema that a user declared for what a step gives. */
export function declaredFor(step: string, schema: Schema): Schema {
  steps.set(schema, step);
  return schema;
}

/** The step for which a schema was declared, if one was. */
export function stepThatDeclared(schema: Schema): string | undefined {
  return steps.get(schema);
}
