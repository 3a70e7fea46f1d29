import { failed } from '../collective/checks.js';

/** In the order of the driver's answer. @see horovod/runner/common/util/hosts.py, SlotInfo.to_response_string */
const VARIABLES = [
  'HOROVOD_RANK',
  'HOROVOD_SIZE',
  'HOROVOD_LOCAL_RANK',
  'HOROVOD_LOCAL_SIZE',
  'HOROVOD_CROSS_RANK',
  'HOROVOD_CROSS_SIZE',
];

/**
 * Takes the place that the driver answers to `rank_and_size`: the variables are set anew, as Horovod's own workers do, so
 * that `detectWorld()` is right in each round.
 * @returns false where there is no place for this worker any more
 * @throws DataRefError COLLECTIVE_FAILED where the answer is none
 */
export function takePlace(answer: string, env: Record<string, string | undefined>): boolean {
  const numbers = answer.split(',');
  if (numbers.length !== VARIABLES.length || !numbers.every((number) => /^(?:-1|\d{1,9})$/u.test(number)))
    throw failed(`Horovod's driver answers to rank_and_size with ${JSON.stringify(answer.slice(0, 80))}`);
  if (numbers[0] === '-1') return false;
  VARIABLES.forEach((name, i) => (env[name] = numbers[i]));
  return true;
}
