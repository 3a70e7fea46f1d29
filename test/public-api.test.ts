import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { readJson } from './imports.js';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));

/** What each entry exports at run time: a name added or taken away is a decision, so it is written down here. */
const EXPORTS: Record<string, readonly string[]> = {
  '@dataref/core': [
    'DataRefError',
    'concat',
    'concatStreams',
    'defineDataRef',
    'diff',
    'explain',
    'field',
    'fromColumns',
    'fromRecords',
    'isDataRefError',
    'joinStates',
    'mix',
    'ndarray',
    'openStorage',
    'parseState',
    'progressBar',
    'rewind',
    'zip',
  ],
  '@dataref/core/fs': ['FileStorage'],
  '@dataref/core/cache': ['withCache'],
  '@dataref/core/s3': ['S3Storage', 'S3Store'],
  '@dataref/core/gcs': ['GCSStorage', 'GCSStore'],
  '@dataref/core/http': ['HttpStorage', 'HttpStore'],
  '@dataref/core/store': ['MemoryStore', 'ObjectStorage', 'withCoalescing', 'withRetry'],
  '@dataref/core/transforms': ['crop', 'decodeImage', 'flipLeftRight', 'normalise', 'oneHot', 'resizeImage'],
  '@dataref/core/adapter': [
    'BatchFlow',
    'CHECKSUM',
    'Iteration',
    'RecordFlow',
    'SignalListener',
    'arrayType',
    'checkColumnSpec',
    'checkFilePath',
    'checkPath',
    'checkSignals',
    'checkedArray',
    'convertElements',
    'corrupt',
    'countOf',
    'describeValue',
    'didYouMean',
    'dtypeOfArray',
    'float16ToNumber',
    'isField',
    'isNDArray',
    'isNumericDType',
    'isTexts',
    'leavesOf',
    'optionsOf',
    'orAbort',
    'parseStateIn',
    'pickColumns',
    'readTensors',
    'refuseNoTensor',
    'refuseUnknown',
    'resumeFromFile',
    'textOf',
    'writeTensors',
  ],
  '@dataref/core/testing': ['resumeSuite', 'storeSuite'],
  '@dataref/onnx/graph': [
    'adam',
    'adamW',
    'averagePool2d',
    'conv2d',
    'dense',
    'flatten',
    'maxPool2d',
    'meanSquaredError',
    'relu',
    'reshape',
    'sequential',
    'sgd',
    'softmaxCrossEntropy',
  ],
  '@dataref/tfjs': ['checkpoints', 'fromTfDataset', 'loadCheckpoint', 'saveCheckpoint', 'toTfDataset'],
  '@dataref/onnx': ['loadCheckpoint', 'saveCheckpoint', 'toOrtFeeds', 'trainingLoop'],
  '@dataref/onnx/pure': ['loadCheckpoint', 'saveCheckpoint', 'toOrtFeeds', 'trainingLoop'],
  '@dataref/arrays': ['slice'],
  '@dataref/horovod-shard': [
    'agree',
    'coverageLog',
    'detectWorld',
    'localCollectives',
    'onPreempt',
    'openCollective',
    'proveCoverage',
    'readCoverageLogs',
    'stateLogs',
  ],
  '@dataref/horovod-shard/mpi': ['openMpi'],
  '@dataref/horovod-shard/tcp': ['openTcp'],
  '@dataref/horovod-shard/elastic': ['runElastic'],
  '@dataref/horovod-shard/tfjs': ['dataParallel'],
  '@dataref/horovod-shard/onnx': ['dataParallel'],
  '@dataref/tfjs/pure': ['checkpoints', 'fromTfDataset', 'loadCheckpoint', 'saveCheckpoint', 'toTfDataset'],
};

test.each(Object.entries(EXPORTS))('%s exports exactly the pinned names', async (name, names) => {
  expect(Object.keys(await import(name)).sort()).toEqual(names);
});

test.each(['core', 'onnx', 'tfjs'])('every entry of %s is pinned', (folder) => {
  const { name, exports } = readJson(PACKAGES, folder, 'package.json') as { name: string; exports: object };
  const entries = Object.keys(exports).filter((path) => path !== './package.json');
  const pinned = Object.keys(EXPORTS).filter((entry) => entry === name || entry.startsWith(`${name}/`));
  expect(pinned.sort()).toEqual(entries.map((path) => join(name, path)).sort());
});
