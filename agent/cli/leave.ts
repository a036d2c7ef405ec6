// `kokoa-agent leave`: everything that the agent made on this machine goes, and what remains to be done elsewhere is said.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { createCertsDir } from '../adapters/certs-dir.ts';
import { lockState, type StateLock } from '../adapters/state-lock.ts';
import { isStateDir } from '../adapters/state-remains.ts';
import { checkInterfaceName, readLink } from '../adapters/wireguard-link.ts';
import { leave } from '../leave.ts';
import { openLeavings } from '../leavings.ts';
import type { Settings } from '../ports/settings.ts';
import { readJoined, requireOwn } from './open-joined.ts';

interface LeaveOptions {
  yes?: boolean;
  keepState?: boolean;
  interface?: string;
}

const INTERFACE = 'kokoa0';
const UNIT = '/etc/systemd/system/kokoa-agent.service';

export function registerLeave(program: Command): void {
  program
    .command('leave')
    .description('take the agent away: web server, tunnel, packet filter, kernel settings, keys and certificates')
    .option('--yes', 'do not ask for the name of this node')
    .option('--keep-state', 'keep keys, certificates and settings')
    .option('--interface <name>', `the tunnel, where the settings are damaged or gone (default: ${INTERFACE})`)
    .action(async (options: LeaveOptions) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      await leaveMachine(stateDir, options);
    });
}

async function leaveMachine(stateDir: string, options: LeaveOptions): Promise<void> {
  await requireOwn(stateDir);
  if (options.interface !== undefined) checkInterfaceName(options.interface);
  const joined = await isStateDir(stateDir);
  const lock = joined ? await lockStopped(stateDir) : undefined;
  const named = options.interface !== undefined;
  let settings: Settings | undefined;
  try {
    // Under the lock: a join that ended a moment ago may have named another tunnel.
    settings = await readJoined(stateDir).catch(damaged);
    const interfaceName = options.interface ?? (settings ? settings.interfaceName : INTERFACE);
    if (!options.yes) {
      if (joined) await confirm(settings?.node ?? 'leave', removalOf(stateDir, options));
      else if (named && (await readLink({ name: options.interface!, prefix: [] })))
        await confirm('leave', `removes the tunnel ${options.interface}, whoever made it`);
    }
    const { keepState = false } = options;
    const undone = await leave(openLeavings({ stateDir, interfaceName, named, keepState }), (line) =>
      console.log(line),
    );
    if (undone === 0) return await sayNothingIsLeft(stateDir);
  } finally {
    lock?.release();
  }
  for (const line of whatRemains(settings)) console.log(line);
}

/** Certificates alone make no state directory; whoever keeps them there must know. */
async function sayNothingIsLeft(stateDir: string): Promise<void> {
  console.log(`nothing of an agent is left in ${stateDir}`);
  const { held } = await createCertsDir({ dir: join(stateDir, 'certs') })
    .list()
    .catch(() => ({ held: [] }));
  if (held.length === 0) return;
  console.log(
    `${join(stateDir, 'certs')} holds ${held.length} certificates with their private keys, and no agent joined`,
  );
  console.log('there: they were left alone; remove them if they are nobody’s');
}

/** Torn settings, or none: what they said is found by the tunnel's name. @throws what another user's state throws */
function damaged(error: unknown): undefined {
  const code = error instanceof KokoaError ? error.code : undefined;
  if (code === 'state_unreadable' || code === undefined) throw error;
}

async function lockStopped(stateDir: string): Promise<StateLock> {
  return lockState(stateDir).catch((cause: unknown) => {
    if (!(cause instanceof KokoaError) || cause.code !== 'state_in_use') throw cause;
    throw new KokoaError('state_in_use', `the agent of ${stateDir} is running; nothing was touched`, {
      hint: 'stop it for good (systemctl disable --now kokoa-agent), then run this again',
      cause,
    });
  });
}

function removalOf(stateDir: string, { keepState }: LeaveOptions): string {
  return keepState ? 'stops everything it does' : `removes its keys and certificates in ${stateDir}`;
}

async function confirm(name: string, what: string): Promise<void> {
  // Not among what was done.
  console.error(`this takes the agent away and ${what}`);
  process.stderr.write(`type ${name} to go on: `);
  const lines = createInterface({ input: process.stdin });
  let answer = '';
  for await (const line of lines) {
    answer = line.trim();
    break;
  }
  lines.close();
  if (answer === name) return;
  throw new KokoaError('not_confirmed', `expected ${name}; nothing was touched`, { hint: 'or say --yes' });
}

function whatRemains(settings: Settings | undefined): string[] {
  const [folder, name] = [settings?.role === 'edge' ? 'edges' : 'origins', settings?.node ?? 'NAME'];
  const file = settings?.role ? `${folder}/${name}.yaml` : `edges/${name}.yaml or origins/${name}.yaml`;
  return [
    'what remains:',
    `  in git: state: revoked in ${file}; remove the file after the merge`,
    ...(existsSync(UNIT) ? [`  here: rm ${UNIT}`] : []),
    '  here: the program, and the file with the token if there is one',
  ];
}
