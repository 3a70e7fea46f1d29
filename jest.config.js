import { availableParallelism } from 'node:os';

// Tests import packages by name and so get dist, as a user does: run `npm run build` first.
// Suites over real servers of S3 and GCS are apart, since they need Python: `npm run test:servers`, which installs them;
// and those under mpirun, srun and the like, which `.ci/launchers.sh` installs.
const overServers = process.env.DATAREF_SERVERS === '1';
const underLaunchers = process.env.DATAREF_LAUNCHERS === '1';
const tests = overServers ? '*.server.test.ts' : underLaunchers ? '*.launcher.test.ts' : '*.test.ts';
const apart = [
  ...(overServers ? [] : ['\\.server\\.test\\.ts$']),
  ...(underLaunchers ? [] : ['\\.launcher\\.test\\.ts$']),
];

// Node 20 reads and parses these at each start of a process, used or not, which takes twice as long as the rest of its start.
// Tests bring their own certificates.
delete process.env.NODE_EXTRA_CA_CERTS;

export default {
  // Suites that wait, for leases, servers and killed processes, leave room for one more.
  // Ranks of MPI wait by computing: each job needs the cores for itself.
  maxWorkers: underLaunchers ? 1 : Math.ceil(1.5 * availableParallelism()),
  // Node 20 keeps the modules of every file that a process has run, and each collection of garbage goes through them all: at
  // half a gigabyte tests take two and three times what they take alone. A new process takes half a second.
  workerIdleMemoryLimit: '100MB',
  // Where it is replaced after the last file, the new one has not even started by the time that it is to end.
  workerGracefulExitTimeout: 10_000,
  reporters: process.env.CI === undefined ? ['default'] : ['default', '<rootDir>/.ci/minutes.mjs'],
  // A limit for what hangs, not a measure: machines may be slow, and busy.
  testTimeout: underLaunchers ? 600_000 : 180_000,
  testEnvironment: '<rootDir>/jest-environment.cjs',
  globalSetup: '<rootDir>/jest-global-setup.js',
  setupFilesAfterEnv: ['<rootDir>/jest-equality.js'],
  roots: ['<rootDir>/packages', '<rootDir>/test'],
  testMatch: [`<rootDir>/packages/*/test/**/${tests}`, `<rootDir>/test/**/${tests}`],
  testPathIgnorePatterns: ['/node_modules/', ...apart],
  extensionsToTreatAsEsm: ['.ts'],
  resolver: '<rootDir>/jest-resolver.cjs',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      },
    ],
  },
};
