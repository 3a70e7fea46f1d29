import { DataRefError, isDataRefError } from '../errors.js';
import { parseState, type StreamState } from './state.js';

/** `parseState` of what a checkpoint holds. @throws DataRefError as it does, naming the file */
export function parseStateIn(where: string, value: unknown): StreamState {
  try {
    return parseState(value);
  } catch (error) {
    if (!isDataRefError(error)) throw error;
    const { code, message, details } = error;
    throw new DataRefError(code, `the state in ${where}: ${message}`, {
      cause: error,
      details: { ...details, path: where },
    });
  }
}

/**
 * Puts a stream to where a checkpoint says.
 * @param resume of the stream
 * @throws DataRefError as `resume` does, naming the file and what to do
 */
export function resumeFromFile(where: string, state: StreamState, resume: (state: StreamState) => void): void {
  try {
    resume(state);
  } catch (error) {
    if (!isDataRefError(error, 'STATE_MISMATCH', 'STATE_PIPELINE', 'STATE_WORLD')) throw error;
    const { code, message, details } = error;
    throw new DataRefError(
      code,
      `${where} was made with another dataset or pipeline: ${message}. To train on this one, give it a checkpoint of its own, at another path`,
      { cause: error, details: { ...details, path: where } },
    );
  }
}
