// `kokoa keys`: makes, shows and replaces the keys that publish. Prints public facts only.
import { type Command, InvalidArgumentError } from 'commander';
import { readRoot } from '../../bundle/root.ts';
import {
  createDevelopmentKeys,
  createProductionKeys,
  type KeySet,
  loadKeys,
  rotateKeys,
} from '../adapters/key-files.ts';
import { writingTo } from './unwritable.ts';

export const DEFAULT_KEYS_DIR = '.kokoa/keys';
const DAY_MS = 24 * 60 * 60 * 1000;
/** From here on `status` asks for a new root. */
const EXPIRY_WARNING_DAYS = 90;

export interface KeysInit {
  dir: string;
  /** Absent: a development set. */
  production?: { rootDir: string; keys?: number; threshold?: number };
  now?: Date;
}

/** Makes a set and answers what to print. @throws KokoaError keys_exist, keys_invalid, unwritable */
export async function keysInit({ dir, production, now = new Date() }: KeysInit): Promise<string[]> {
  const where = production ? `${dir} or ${production.rootDir}` : dir;
  await writingTo(
    where,
    production ? createProductionKeys({ ...production, dir, now }) : createDevelopmentKeys(dir, now),
  );
  const lines = await keysStatus({ dir, now });
  if (!production) return lines;
  return [
    ...lines,
    '',
    `The root keys are in ${production.rootDir}`,
    'Take them offline now: copy each to its own medium, keep the media in',
    'different places, and delete the directory. They are needed only to replace',
    'the online keys: kokoa keys rotate --root-dir DIR',
  ];
}

/** What a set is, in lines to print. @throws KokoaError keys_missing, key_exposed, keys_damaged */
export async function keysStatus({ dir, now = new Date() }: { dir: string; now?: Date }): Promise<string[]> {
  const keys = await loadKeys(dir);
  const days = Math.ceil((keys.rootExpiresMs - now.getTime()) / DAY_MS);
  const root = readRoot(keys.roots.at(-1) ?? '').signed;
  const role = root.roles.root;
  return [
    `keys         ${dir}`,
    `fingerprint  ${keys.fingerprint}`,
    `kind         ${keys.development ? 'development (loopback only)' : 'production'}`,
    `root         version ${root.version}, ${role?.threshold} of ${role?.keyIDs.length} keys sign the next one`,
    `expires      ${root.expires.slice(0, 10)} (${days < 0 ? 'expired' : `in ${days} days`})`,
    '',
    ...nextSteps(keys, dir, days),
  ];
}

/** Replaces the online keys and answers what to print. @throws KokoaError root_invalid, keys_missing, key_exposed */
export async function keysRotate({
  dir,
  rootDir,
  now = new Date(),
}: {
  dir: string;
  rootDir?: string;
  now?: Date;
}): Promise<string[]> {
  await rotateKeys(dir, rootDir, now);
  return [
    ...(await keysStatus({ dir, now })),
    '',
    'Restart the reconciler: it publishes under the new keys, and every node follows',
    'by itself. The old keys are worth nothing from then on.',
  ];
}

/** Adds `keys init|status|rotate` to a program. */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('the keys that sign what nodes are told');
  keys
    .command('init')
    .description('make keys: a set to try things out with, or a production set')
    .option('--dir <dir>', 'where the online keys go', DEFAULT_KEYS_DIR)
    .option('--production', 'make root keys to be kept offline')
    .option('--root-dir <dir>', 'where the root keys go (with --production)', 'kokoa-root-keys')
    .option('--root-keys <n>', 'how many root keys (with --production)', count, 3)
    .option('--threshold <n>', 'how many of them sign a new root (with --production)', count, 2)
    .action(
      async (options: { dir: string; production?: true; rootDir: string; rootKeys: number; threshold: number }) => {
        const { dir, rootDir, rootKeys, threshold } = options;
        const production = { rootDir, keys: rootKeys, threshold };
        print(await keysInit(options.production ? { dir, production } : { dir }));
      },
    );
  keys
    .command('status')
    .description('show the fingerprint that nodes pin, and what to do next')
    .option('--dir <dir>', 'where the online keys are', DEFAULT_KEYS_DIR)
    .action(async (options: { dir: string }) => print(await keysStatus(options)));
  keys
    .command('rotate')
    .description('replace the online keys, by a new root that the root keys sign')
    .option('--dir <dir>', 'where the online keys are', DEFAULT_KEYS_DIR)
    .option('--root-dir <dir>', 'where the root keys are (not needed for development keys)')
    .action(async (options: { dir: string; rootDir?: string }) => print(await keysRotate(options)));
}

function nextSteps(keys: KeySet, dir: string, days: number): string[] {
  if (days < EXPIRY_WARNING_DAYS) {
    return ['Renew the root before it expires, or nodes stop accepting changes:', '  kokoa keys rotate --root-dir DIR'];
  }
  if (keys.development) {
    return [
      `Try it: kokoa serve${dir === DEFAULT_KEYS_DIR ? '' : ` --keys ${dir}`}`,
      'For a public address, make real keys: kokoa keys init --production --dir DIR',
    ];
  }
  return ['Nodes pin the fingerprint when they join:', '  kokoa-agent join URL --fingerprint FINGERPRINT'];
}

function count(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('a whole number from 1 to 99 is expected');
  return Number(text);
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}
