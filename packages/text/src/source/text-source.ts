/** What a row's columns hold: text, or null where there is none. */
export type TextRow = readonly (string | null)[];

/** Rows that are read as one: a row group, a stretch of a file, a block of records. */
export interface TextUnit {
  /** Stable over runs and unique in its split: a unit that was encoded is not read again. */
  readonly id: string;
  /** The file that it is of, as errors name it; its id where it is of none. */
  readonly file?: string | undefined;
  /** Its rows in their order, a few at a time, the columns in the order asked for. */
  rows(options: { readonly signal?: AbortSignal | undefined }): AsyncIterable<readonly TextRow[]>;
}

/** One split of the source: units in their order. May be iterated again, and then gives the same units. */
export interface TextSplit {
  readonly name: string;
  units(options: { readonly signal?: AbortSignal | undefined }): AsyncIterable<TextUnit>;
  /** Bytes, or rows, in all, where that is known: progress counts them. */
  readonly rowCount?: number | undefined;
}

/** Text by split, from files, a hub or records: what the provider encodes. */
export interface TextSource {
  readonly splits: readonly TextSplit[];
  /** Same rows, same text: hashes of files, revision of a hub's dataset, a DataRef's own. Part of a cache's fingerprint. */
  readonly fingerprint: string;
  /** What goes into `config.json` beside the settings: where the data came from, no secrets. */
  readonly origin: Readonly<Record<string, unknown>>;
  close?(): Promise<void>;
}
