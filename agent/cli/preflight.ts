// `kokoa-agent preflight`: what stands in the way of an agent here, before joining and at any time after.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { observeDialled } from '../adapters/preflight-dialled.ts';
import { isLocked } from '../adapters/state-lock.ts';
import { isStateDir } from '../adapters/state-remains.ts';
import { type Finding, findingLines } from '../core/preflight.ts';
import { type Preflight, preflight } from '../preflight.ts';
import { openJoined, readJoined } from './open-joined.ts';

interface PreflightOptions {
  url?: string;
  ca?: string;
  role?: NodeRole;
  interface: string;
  tunnel: boolean;
  output: 'text' | 'json';
}

/** An agent that was just started needs a moment, and one that waits for an answer 5 s. */
const HANDSHAKE_MS = 8_000;

export function registerPreflight(program: Command): void {
  program
    .command('preflight')
    .description('say what on this machine stands in the way of the agent; exit 1 when something does')
    .option('--url <url>', 'base URL of the control plane (default: the one it joined)')
    .option('--ca <file>', 'PEM file of the only CA to trust for it')
    .addOption(new Option('--role <role>', 'what this machine is for').choices(['edge', 'origin']))
    .option('--interface <name>', 'name of the WireGuard interface', 'kokoa0')
    .option('--no-tunnel', 'origins are reached without WireGuard')
    .addOption(new Option('-o, --output <format>', 'how to say it').choices(['text', 'json']).default('text'))
    .action(async (options: PreflightOptions) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      const findings = await preflight(await askedOf(stateDir, options));
      if (options.output === 'json') console.log(JSON.stringify(findings, undefined, 2));
      else for (const line of textOf(findings)) console.log(line);
      if (findings.some(({ severity }) => severity === 'error')) process.exitCode = 1;
    });
}

function textOf(findings: readonly Finding[]): string[] {
  return findings.length === 0 ? ['nothing stands in the way'] : findings.flatMap(findingLines);
}

async function askedOf(stateDir: string, options: PreflightOptions): Promise<Preflight> {
  if ((await isStateDir(stateDir)) && !(await onlyBegan(stateDir))) return joinedNode(stateDir, options);
  const { url, ca, role, tunnel } = options;
  if (url === undefined)
    throw new KokoaError('not_joined', 'this machine has not joined, so it is not known where the control plane is', {
      hint: 'say --url https://control.example.com:8443',
    });
  return {
    ...{ stateDir, url, role, network: undefined, agreed: false },
    ca: ca === undefined ? undefined : await readFile(ca, 'utf8'),
    interfaceName: tunnel ? options.interface : undefined,
    listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
    wireguardPort: role === 'edge' && tunnel ? USUAL_PORT : undefined,
  };
}

/** A join that did not end leaves keys and no settings. */
async function onlyBegan(stateDir: string): Promise<boolean> {
  return readJoined(stateDir).then(
    () => false,
    (error: unknown) => error instanceof KokoaError && error.code === 'not_joined',
  );
}

/** As long as the node's file in git does not say otherwise. */
const USUAL_PORT = 51_820;

/** What it was told at join, and what its last good bundle says. */
async function joinedNode(stateDir: string, options: PreflightOptions): Promise<Preflight> {
  const { settings, machine, network, control } = await openJoined(stateDir);
  const config = (await machine.trusted.lastKnownGood())?.config ?? (await machine.trusted.accepted())?.config;
  const running = network !== undefined && (await isLocked(stateDir));
  const dialled = running ? await observeDialled(config?.wireguard.peers ?? [], network.read, HANDSHAKE_MS) : [];
  await control.close();
  const caFile = options.ca ?? settings.caFile;
  return {
    stateDir,
    url: options.url ?? settings.urls[0]!,
    ca: caFile === undefined ? undefined : await readFile(caFile, 'utf8'),
    role: options.role ?? settings.role ?? config?.role,
    interfaceName: settings.interfaceName,
    listen: settings.listen,
    network: config?.network.wireguard,
    agreed: config?.network.wireguard === settings.network,
    wireguardPort: settings.interfaceName === undefined ? undefined : config?.wireguard.port,
    dialled,
  };
}
