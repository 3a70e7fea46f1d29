import { DataRefError } from '../errors.js';

/** Methods that adapters add to streams. Calling one before its package is imported says which import is missing. */
const PACKAGES = { toTfDataset: '@dataref/tfjs', toOrtFeeds: '@dataref/onnx' } as const;

/** Puts a method on a stream class for each known adapter, which the adapter's import replaces. */
export function announceAdapters(prototype: object): void {
  for (const [name, packageName] of Object.entries(PACKAGES)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value: () => {
        throw new DataRefError(
          'MISSING_PACKAGE',
          `${name}() comes with ${packageName}: npm i ${packageName}, then import '${packageName}' once in the program`,
          {
            details: { package: packageName },
          },
        );
      },
    });
  }
}
