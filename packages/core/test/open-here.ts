import { readdirSync, readlinkSync, statSync, type Stats } from 'node:fs';

/** The files below a folder that this process has open, removed ones too, each as often as it is open. */
export function openBelow(folder: string): Stats[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      if (!readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)) return [];
      return statSync(`/proc/self/fd/${fd}`);
    } catch {
      return []; // closed meanwhile, as the one that lists them is
    }
  });
}
