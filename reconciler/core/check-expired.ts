// Routes that are over: still in git, and answered no more. A warning, because it may be meant; asked apart from the other rules,
// because their verdict on the same files never changes with the clock.
import { hasExpired } from './expiry.ts';
import { placed, refuse } from './fields/field.ts';
import type { AnyLoadedFile } from './files.ts';
import type { Problem } from './problem.ts';

/** `files`: any that were loaded. */
export function checkExpired(files: readonly AnyLoadedFile[], now: Date): Problem[] {
  return files.flatMap((file) => {
    if (file.kind !== 'route' || file.value?.expiresAt === undefined) return [];
    const { expiresAt, hostname, publicPort } = file.value;
    if (!hasExpired(file.value, now.getTime())) return [];
    const effect =
      hostname === undefined ? `nothing answers on the public port ${publicPort}` : 'the hostname answers 404';
    const place = { pointer: '/expiresAt', hostname: file.hostname, kokoa: undefined };
    const message = `found ${expiresAt}, which is past: ${effect}, expected a moment to come`;
    const hint = 'write a later moment, or delete the line to serve it again; if it is over, delete the file';
    return [placed(file, { ...refuse(place, 'KK355', message, hint), severity: 'warning' })];
  });
}
