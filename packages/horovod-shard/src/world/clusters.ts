import { type Environment, readPlace, setting, shown, valuesOf, wrong } from './environment.js';
import type { Found } from './launchers.js';

/**
 * The index of a pod of an indexed Job. How many there are it is not told: `spec.completions` goes into JOB_COMPLETIONS,
 * or DATAREF_SIZE, by the user's hand.
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
 */
export function readKubernetes(env: Environment): Found | undefined {
  const index = 'JOB_COMPLETION_INDEX';
  const size = env['DATAREF_SIZE'] === undefined ? 'JOB_COMPLETIONS' : 'DATAREF_SIZE';
  if (env[index] !== undefined && env[size] === undefined)
    throw wrong(
      `${setting(env, index)}, but Kubernetes does not tell how many pods there are: set JOB_COMPLETIONS in the pod's ` +
        `template to the Job's spec.completions`,
      valuesOf(env, index),
    );
  const world = readPlace(env, index, size);
  return world && { launcher: 'kubernetes', world, local: undefined, said: setting(env, index, size) };
}

/**
 * The place of this host in the list of hosts.
 * @see https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
 */
export function readSageMaker(env: Environment): Found | undefined {
  const variables = ['SM_HOSTS', 'SM_CURRENT_HOST'] as const;
  const missing = variables.find((name) => env[name] === undefined);
  if (variables.every((name) => env[name] === undefined)) return undefined;
  const refuse = (expected: string) => wrong(`${setting(env, ...variables)}: ${expected}`, valuesOf(env, ...variables));
  if (missing !== undefined) throw refuse(`${missing} is not set: set both or neither`);
  const hosts = parsed(env['SM_HOSTS']);
  if (!isTexts(hosts) || new Set(hosts).size < hosts.length)
    throw refuse('expected SM_HOSTS to be a JSON list of names that differ, such as ["algo-1","algo-2"]');
  const index = hosts.indexOf(env['SM_CURRENT_HOST'] ?? '');
  if (index < 0) throw refuse('expected SM_CURRENT_HOST to be one of SM_HOSTS');
  return {
    launcher: 'sagemaker',
    world: { index, count: hosts.length },
    local: undefined,
    said: setting(env, ...variables),
  };
}

/** Tasks that train, in the order of their ranks; the first two are names of one role. */
const TRAINING_ROLES = ['chief', 'master', 'worker'] as const;

/**
 * The place of this task among the chief and the workers, the chief first; a cluster of none is one worker, as it is in
 * TensorFlow. Errors do not show the whole of it: platforms put a job's arguments there.
 * @see https://www.tensorflow.org/api_docs/python/tf/distribute/cluster_resolver/TFConfigClusterResolver
 */
export function readTfConfig(env: Environment): Found | undefined {
  if (env['TF_CONFIG'] === undefined) return undefined;
  const refuse = (problem: string) => wrong(`TF_CONFIG${problem}`);
  const config = parsed(env['TF_CONFIG']);
  if (!isRecord(config))
    throw refuse(`: expected a JSON object, got ${String(env['TF_CONFIG']).length} characters that are none`);
  const { cluster = {}, task = {} } = config;
  if (!isRecord(cluster)) throw refuse(`.cluster: expected an object of lists of addresses, got ${shown(cluster)}`);
  if (Object.keys(cluster).length === 0) return undefined;
  if (!isRecord(task)) throw refuse(`.task: expected an object with type and index, got ${shown(task)}`);

  const { type, index } = task;
  let count = 0;
  let rank: number | undefined;
  for (const role of TRAINING_ROLES) {
    const members: unknown = Object.hasOwn(cluster, role) ? cluster[role] : undefined;
    if (members === undefined) continue;
    if (!isTexts(members))
      throw refuse(`.cluster.${role}: expected a list of addresses, each a text, got ${shown(members)}`);
    if (role === type) {
      if (!Number.isInteger(index) || Number(index) < 0 || Number(index) >= members.length)
        throw refuse(
          `.task.index=${shown(index)}: expected a whole number below the ${members.length} of cluster.${role}`,
        );
      rank = count + Number(index);
    }
    count += members.length;
  }
  if (rank === undefined)
    throw refuse(
      `.task.type=${shown(type)}: expected one of ${TRAINING_ROLES.join(', ')} that is in the cluster; tasks of other types do ` +
        `not train, and have no share of the data`,
    );
  return { launcher: 'tf_config', world: { index: rank, count }, local: undefined, said: 'TF_CONFIG' };
}

/** Undefined for what is no JSON: the parser's own error would show the text. */
function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
