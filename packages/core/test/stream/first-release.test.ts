import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as core from '@dataref/core';
import type { Flow, StreamState } from '@dataref/core';
import type { StateNode } from '../../dist/stream/state.js';
import { FileStorage } from '@dataref/core/fs';
import { tempFolder } from '../temp-folder.js';
import { type Datasets, openDatasets, PIPELINES, shown } from './first-release-pipelines.mjs';

interface Golden {
  readonly name: string;
  /** How many elements had been read when the state was saved. */
  readonly after: number;
  readonly state: StreamState;
  /** The elements that came next, over iterations. */
  readonly next: readonly unknown[];
}

/** Made by make-golden-states.mjs with the first release that had states, commit 9a9ecc7. */
const golden = JSON.parse(readFileSync(new URL('golden/states.json', import.meta.url), 'utf8')) as Golden[];

let datasets: Datasets;
beforeAll(async () => {
  datasets = await openDatasets(core, new FileStorage(tempFolder()));
});

function build(name: string): Flow<unknown> {
  const make = PIPELINES[name];
  if (make === undefined) throw new Error(`no pipeline of the name ${name}`);
  return make(datasets);
}

/** The next elements as JSON has them, over iterations. */
async function take(flow: Flow<unknown>, count: number): Promise<unknown[]> {
  const elements: unknown[] = [];
  for (let iteration = 0; elements.length < count && iteration < 10; iteration++) {
    for await (const element of flow) {
      elements.push(JSON.parse(JSON.stringify(shown(element))));
      if (elements.length === count) break;
    }
  }
  return elements;
}

/** States say since then where a remainder was dropped. */
function sinceThen(name: string, state: StreamState): StreamState {
  const marked = (node: StateNode): StateNode => {
    if (node.kind === 'join') return node;
    if (node.kind === 'step') return { ...node, input: marked(node.input) };
    return { ...node, dropShardRemainder: true };
  };
  return name.includes('remainder dropped') ? { ...state, node: marked(state.node) } : state;
}

describe('a state that the first release saved', () => {
  test('is there of every pipeline', () => {
    expect(new Set(golden.map(({ name }) => name))).toEqual(new Set(Object.keys(PIPELINES)));
  });

  test.each(golden)('goes on as that release went on: $name, after $after', async ({ name, state, next }) => {
    expect(core.parseState(state)).toEqual(state);
    const flow = build(name).resume(state);
    expect(flow.state).toEqual(sinceThen(name, state));
    expect(next).not.toEqual([]);
    expect(await take(flow, next.length)).toEqual(next);
  });

  test.each(golden)('is what this release saves: $name, after $after', async ({ name, after, state }) => {
    const flow = build(name);
    await take(flow, after);
    expect(flow.state).toEqual(sinceThen(name, state));
  });
});
