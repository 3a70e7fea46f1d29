import { DataRefError, type StreamState } from '@dataref/core';
import { resumeFromFile, type TensorEntry } from '@dataref/core/adapter';
import { readCheckpoint, writeCheckpoint, type CheckpointFacts, type TrainedParameters } from './checkpoint.js';
import { makerOf, type Maker } from './maker.js';
import { checkModel, mismatch } from './mismatch.js';
import { nameOfNotFinite } from './numbers.js';
import { typeOf, type StateInput } from './step-graph.js';
import type { Parameters, TrainingCheckpoint, TrainingOptions } from './types.js';

/** Ends the name of the file with the state before a step that went wrong. */
const BAD = '.nan';

/** Writes and reads the checkpoints of one training. */
export class Checkpointing {
  readonly path: string | URL;
  readonly everySteps: number;
  readonly #own: Maker;

  constructor(
    { path, model, everySteps = Infinity, intraOpNumThreads }: TrainingCheckpoint,
    runtime: TrainingOptions['ort'],
  ) {
    this.path = path;
    this.everySteps = everySteps;
    this.#own = makerOf({ model, ort: runtime, intraOpNumThreads });
  }

  /** @throws DataRefError NOT_FINITE, with nothing written at `path`; DISK_FULL, STORE_FAILED */
  async save(parameters: Parameters, at: Pick<CheckpointFacts, 'step' | 'state'>, path = this.path): Promise<void> {
    const name = nameOfNotFinite(parameters);
    if (name === undefined) return writeCheckpoint(path, parameters, { ...at, ...this.#own });
    const bad = await this.saveBad(parameters, at);
    throw new DataRefError(
      'NOT_FINITE',
      `trainingLoop: after step ${at.step} the state ${name} has values that are not finite. ${bad.told}; ${String(path)} is as it was. ` +
        'A lower learning rate may help, or clipped gradients',
      { details: { step: at.step, name, path: bad.path } },
    );
  }

  /** Writes the state at a step that went wrong beside the checkpoint, which stays, and tells what became of it. */
  async saveBad(
    parameters: Parameters,
    at: Pick<CheckpointFacts, 'step' | 'state'>,
  ): Promise<{ readonly path: string | undefined; readonly told: string }> {
    const { path } = this;
    const bad = `${typeof path === 'string' ? path : process.getBuiltinModule('node:url').fileURLToPath(path)}${BAD}`;
    try {
      await writeCheckpoint(bad, parameters, { ...at, ...this.#own });
      return { path: bad, told: `The state was written to ${bad}` };
    } catch (error) {
      // What went wrong with the step is told first.
      return { path: undefined, told: `The state could not be written to ${bad} (${String(error)})` };
    }
  }

  /**
   * What was saved; undefined where there is no file.
   * @param resume puts the stream to where it stood, or throws
   * @throws DataRefError CORRUPT; STATE_MISMATCH for another model; as `resume` does, naming the file
   */
  async load(
    state: readonly StateInput[],
    resume: (state: StreamState) => void,
  ): Promise<TrainedParameters | undefined> {
    const saved = await readCheckpoint(this.path, (facts, entries, where) => {
      checkModel(facts.modelHash, this.#own.modelHash, where);
      checkState(entries, state, where);
    });
    if (saved === undefined) return undefined;
    resumeFromFile(String(this.path), saved.state, resume);
    for (const field of ['runtime', 'threads'] as const) {
      if (saved[field] === this.#own[field]) continue;
      console.warn(
        `DataRef: ${String(this.path)} was written with ${field}: ${saved[field]}, here it is ${this.#own[field]}: training goes on, and its last bits may differ`,
      );
    }
    return saved;
  }
}

/** A file of this model has its state, unless `model` is not what the session was made of. */
function checkState(entries: readonly TensorEntry[], state: readonly StateInput[], where: string): void {
  const saved = new Map(entries.map((entry) => [entry.name, typeOf(entry)]));
  for (const input of state) {
    const there = saved.get(input.name);
    if (there === typeOf(input)) saved.delete(input.name);
    else
      throw mismatch(where, `has ${there ?? 'nothing'} for ${input.name}, which is ${typeOf(input)} in the session`, {
        field: input.name,
      });
  }
  const [extra] = saved.keys();
  if (extra !== undefined)
    throw mismatch(where, `has ${extra}, which the session's model does not have`, { field: extra });
}
