import { DataRefError, isDataRefError, type BatchStream } from '@dataref/core';
import { isFeeds } from '../feeds/made-feeds.js';
import { toOrtFeeds } from '../feeds/to-ort-feeds.js';
import type { OrtOptions, OrtWorkerFeeds } from '../feeds/types.js';
import type { CheckedOptions } from './options.js';
import { refused, type StepGraph } from './step-graph.js';

/** The mask's name where the graph has one and nothing else is said. */
const MASK = 'mask';

/** The stream, bound to what the graph learns from. */
export function feedsOf(checked: CheckedOptions, graph: StepGraph): OrtWorkerFeeds {
  const { stream, inputs } = checked;
  if (isFeeds(stream)) return stream;
  const names = graph.data.map(({ name }) => name);
  const hasMask = names.includes(MASK) && !Object.hasOwn(inputs ?? {}, MASK);
  const { maskInput = hasMask ? MASK : undefined } = checked;
  if (checked.padsRows && maskInput === undefined && !names.includes(MASK))
    throw refused(
      "the stream pads its last batch, and the model has no mask: rows of padding would be learned from. Let the batch be short, batch(n), or drop it: batch(n, { remainder: 'drop' }); or build the graph with a mask: softmaxCrossEntropy({ labels, mask: 'mask' })",
    );
  const byName = names.filter((name) => name !== maskInput).map((name) => [name, name]);
  return boundTo(stream, {
    session: { inputMetadata: graph.data },
    ort: checked.ort,
    inputs: { ...Object.fromEntries(byName), ...inputs },
    maskInput,
    reuseBuffers: true,
  });
}

/** The stream's feeds; what does not fit is refused in the name of the loop. */
function boundTo(stream: BatchStream, options: OrtOptions<any>): OrtWorkerFeeds {
  try {
    return toOrtFeeds(stream, options);
  } catch (error) {
    if (!isDataRefError(error)) throw error;
    const { code, message, details } = error;
    throw new DataRefError(code, message.replace(/^toOrtFeeds/u, 'trainingLoop'), { cause: error, details });
  }
}
