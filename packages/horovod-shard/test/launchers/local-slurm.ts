import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../../core/test/free-port.js';
import { type Ended, guard, run, start, type Tool } from './jobs.js';

const START_MS = 40_000;
const CPUS = 8;

/** SLURM on this machine: one node, which claims more processors than there may be. */
export class LocalSlurm {
  readonly #folder: string;
  readonly #daemons: readonly Tool[];

  private constructor(folder: string, daemons: readonly Tool[]) {
    this.#folder = folder;
    this.#daemons = daemons;
  }

  /** Starts munged, slurmctld and slurmd in a new folder; done when the node is idle. */
  static async start(): Promise<LocalSlurm> {
    const folder = mkdtempSync(join(tmpdir(), 'dataref-slurm-'));
    guard.takeAway(folder);
    const [controllerPort = 0, nodePort = 0] = await freePorts(2);
    for (const name of ['state', 'spool']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'munge.key'), randomBytes(128), { mode: 0o400 });
    writeFileSync(join(folder, 'slurm.conf'), configuration(folder, controllerPort, nodePort));
    const at = (name: string) => join(folder, name);
    const files = { socket: 'munge.socket', 'key-file': 'munge.key', 'log-file': 'munged.log' };
    const own = { 'pid-file': 'munged.pid', 'seed-file': 'munged.seed' };
    const options = Object.entries({ ...files, ...own }).map(([option, name]) => `--${option}=${at(name)}`);
    // By force: the folder of a test is not as closed as munged wants it.
    const daemons = [start('munged', ['--foreground', '--force', ...options])];
    const slurm = new LocalSlurm(folder, daemons);
    try {
      await slurm.#until('munged makes its socket', async () => existsSync(at('munge.socket')));
      daemons.push(start('slurmctld', ['-D', '-f', at('slurm.conf')]), start('slurmd', ['-D', '-f', at('slurm.conf')]));
      await slurm.#until(
        'the node is idle',
        async () => (await slurm.run('sinfo', '-h', '-o', '%T')).output === 'idle\n',
      );
    } catch (error) {
      await slurm.close();
      throw error;
    }
    return slurm;
  }

  /** Runs one of SLURM's commands here. */
  run(tool: string, ...args: readonly string[]): Promise<Ended> {
    return run(tool, args, { SLURM_CONF: join(this.#folder, 'slurm.conf') });
  }

  /** Runs a batch script of one command to its end. @returns what the script said, and its exit code */
  async batch(tasks: number, ...command: readonly string[]): Promise<Ended> {
    const said = join(this.#folder, `${randomBytes(4).toString('hex')}.txt`);
    const script = command.map((word) => `'${word}'`).join(' ');
    const { code, output } = await this.run('sbatch', '--wait', '-n', `${tasks}`, '-o', said, '--wrap', script);
    return { code, output: existsSync(said) ? readFileSync(said, 'utf8') : output };
  }

  /** Ends all jobs, then the daemons; done when they are gone, and the folder. */
  async close(): Promise<void> {
    if (this.#daemons.length === 3) {
      await this.run('scancel', '--user', userInfo().username);
      await this.#until('no job is left', async () => (await this.run('squeue', '-h')).output === '').catch(
        () => undefined,
      );
    }
    for (const daemon of this.#daemons.toReversed()) {
      daemon.signal('SIGTERM');
      const gone = await Promise.race([daemon.ended.catch(() => true), sleep(10_000, false, { ref: false })]);
      if (gone === false) daemon.signal('SIGKILL');
      await daemon.ended.catch(() => undefined);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Waits for what SLURM tells nobody of; a daemon that ends meanwhile, or long waiting, fails with the daemons' words. */
  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const stopped = Promise.race(
      this.#daemons.map(async ({ ended }) => {
        throw new Error(`SLURM: a daemon ended before ${what}: ${(await ended).output}`);
      }),
    );
    stopped.catch(() => undefined);
    const deadline = Date.now() + START_MS;
    while (!(await Promise.race([isSo(), stopped]))) {
      if (Date.now() > deadline) throw new Error(`SLURM: waited ${START_MS} ms, and not yet: ${what}\n${this.#logs()}`);
      await sleep(100);
    }
  }

  #logs(): string {
    const logs = ['slurmctld.log', 'slurmd.log'].map((name) => join(this.#folder, name));
    return logs.map((path) => (existsSync(path) ? readFileSync(path, 'utf8').slice(-2000) : `no ${path}`)).join('\n');
  }
}

/** Without cgroups, accounting or a user of SLURM's own, so that it runs in a container. */
function configuration(folder: string, controllerPort: number, nodePort: number): string {
  const [host = 'localhost'] = hostname().split('.');
  const { username } = userInfo();
  return `ClusterName=dataref
SlurmctldHost=${host}(127.0.0.1)
SlurmUser=${username}
SlurmdUser=${username}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
CredType=cred/munge
SlurmctldPort=${controllerPort}
SlurmdPort=${nodePort}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${CPUS} Boards=1 SocketsPerBoard=1 CoresPerSocket=${CPUS} ThreadsPerCore=1 State=UNKNOWN
PartitionName=all Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`;
}
