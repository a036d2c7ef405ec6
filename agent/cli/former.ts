// What an earlier join on this machine said. Law: settings that are damaged or lost are said to be, and only `--force` goes on without
// them: an option that nobody remembers would be reset in silence.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { readToken } from '../adapters/node-keys.ts';
import { readSettings } from '../adapters/settings-file.ts';
import { isStateDir } from '../adapters/state-remains.ts';
import type { Settings } from '../ports/settings.ts';
import { nodeNameIn } from './token.ts';

export interface Former {
  /** Whose state it is; known from the token where the settings do not say. */
  node?: string;
  settings?: Settings;
}

/** Empty where nobody has joined. @throws KokoaError settings_lost, unless forced; state_unreadable */
export async function readFormer(stateDir: string, { force = false }: { force?: boolean }): Promise<Former> {
  try {
    const settings = await readSettings(stateDir);
    return { node: settings.node, settings };
  } catch (cause) {
    if (!(cause instanceof KokoaError) || cause.code === 'state_unreadable') throw cause;
    if (!(await hasJoined(stateDir))) return {};
    if (!force) throw lost(cause);
    const node = await nodeOfToken(stateDir);
    return node === undefined ? {} : { node };
  }
}

/** A join that did not end leaves keys alone, and `leave` removes the token before the settings. */
async function hasJoined(stateDir: string): Promise<boolean> {
  if (!(await isStateDir(stateDir))) return false;
  const found = await Promise.all(['settings.json', 'token'].map((name) => isThere(join(stateDir, name))));
  return found.includes(true);
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function nodeOfToken(stateDir: string): Promise<string | undefined> {
  return readToken(stateDir)
    .then(nodeNameIn)
    .catch(() => undefined);
}

function lost(cause: KokoaError): KokoaError {
  const what = 'what this machine was told when it joined is lost';
  return new KokoaError('settings_lost', `${what}: ${cause.message}`, {
    hint:
      'put the file back from a backup; or give again all that differs from the usual of --role, --allow, --ca, --acme-ca, ' +
      '--interface or --no-tunnel, --listen, --http-port, --https-port, --address, and --force; with it you also agree ' +
      'anew to the network of the tunnels that git names',
    cause,
  });
}
