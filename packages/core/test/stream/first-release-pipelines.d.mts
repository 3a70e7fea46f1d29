import type { Flow } from '@dataref/core';
import type { FileStorage } from '@dataref/core/fs';

/** Datasets by name. */
export type Datasets = Readonly<Record<string, unknown>>;

/** @param core all that `@dataref/core` exports */
export declare function openDatasets(core: typeof import('@dataref/core'), storage: FileStorage): Promise<Datasets>;

/** Each makes its stream anew. */
export declare const PIPELINES: Readonly<Record<string, (datasets: Datasets) => Flow<unknown>>>;

export declare function shown(element: unknown): unknown;
