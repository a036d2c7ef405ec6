// May the loopback lab take the place of the full one here? Never where somebody relies on the whole: a CI that shows less than it
// should is worse than one that fails.
import { missingPrograms } from './prerequisites.ts';

/** Debian package → the program of it that is needed. */
const NEEDED = { 'nginx-light': 'nginx', openssl: 'openssl', git: 'git' };

/** Why it may not, and what to do, one paragraph each; undefined: it may. `why` says what keeps the full lab from running. */
export function loopbackObstacle(why: string): string[] | undefined {
  const first = `The full lab cannot run here: ${why}.`;
  if (process.env.CI === 'true') {
    return [first, 'Under CI=true everything is played or it fails: run it as root, on Linux, with /dev/net/tun.'];
  }
  if (process.platform !== 'linux') {
    return [
      first,
      'The lab without tunnels gives every machine an address of its own in 127.0.0.0/8, and only Linux has all of them. ' +
        'Run it in a Linux virtual machine or container.',
    ];
  }
  const missing = Object.entries(NEEDED).filter(([, program]) => missingPrograms([program]).length > 0);
  if (missing.length === 0) return undefined;
  const packages = missing.map(([name]) => name).join(' ');
  const programs = missing.map(([, program]) => program).join(', ');
  return [first, `The lab without tunnels needs ${programs} too. On Debian: apt-get install ${packages}`];
}
