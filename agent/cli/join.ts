// `kokoa-agent join`: makes the node's keys, announces them, and waits until git knows this machine. Law: what an earlier join wrote stays
// whole until the new one has verified a bundle and nothing stands in its way; then all of it changes in one step.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { makeDirectory } from '../adapters/durable-write.ts';
import { keepJoined } from '../adapters/joined-files.ts';
import { openNodeKeys } from '../adapters/node-keys.ts';
import { isOthers } from '../adapters/state-remains.ts';
import type { Acceptable } from '../adapters/trusted-dir.ts';
import { join } from '../join.ts';
import { joinChanges } from '../join-changes.ts';
import { openJoining } from '../join-node.ts';
import { openLeavings } from '../leavings.ts';
import type { Settings } from '../ports/settings.ts';
import { type Preflight, preflight } from '../preflight.ts';
import { agentCommand } from './agent-command.ts';
import { sayFindings } from './findings.ts';
import { interruption } from './interruption.ts';
import { notJoined, otherRole } from './not-joined.ts';
import { underLock } from './open-joined.ts';
import { readTokenFrom } from './token.ts';
import { type JoinOptions, judgeWhatWasTold, type Told } from './told.ts';

const HELP = `
On a machine that has joined before, an option that is not given stays as it
was; what changes is said. To take one back: --allow none, --ca system,
--acme-ca system, --address auto, --tunnel. A join that fails changes nothing.`;

export function registerJoin(program: Command): void {
  program
    .command('join')
    .description('join the control plane at URL; the token is read from --token-file or standard input')
    .argument('<url>', 'base URL of the control plane, e.g. https://control.hoge.com:8443')
    .requiredOption('--fingerprint <sha256>', 'fingerprint of the control plane, as `kokoa keys status` prints it')
    .option('--ca <file>', 'PEM file of the only CA to trust for the control plane (default: the system’s CAs)')
    .option('--token-file <file>', 'file with the token that `kokoa edge add` or `kokoa origin add` showed')
    .option(
      '--allow <list>',
      'origins: what edges may reach, e.g. 8080,9000-9010 for ports of this machine, 192.168.1.20:8080 for a service on ' +
        'its network, 127.0.0.1:3000 for one on its loopback; TCP, unless it ends in /udp like 53/udp; nothing else is ' +
        'ever opened (default: none)',
    )
    .addOption(
      new Option(
        '--role <role>',
        'what this machine is for, for good (default: origin with --allow, else what git says)',
      ).choices(['edge', 'origin']),
    )
    .option('--force', 'join although something here stands in the way, or what an earlier join was told is lost')
    .option('--interface <name>', 'name of the WireGuard interface (default: kokoa0)')
    .option('--tunnel', 'origins are reached by WireGuard, as is usual')
    .option('--no-tunnel', 'origins are reached without WireGuard (one machine, or a private network)')
    .option('--acme-ca <file>', 'PEM file of the CA of a private ACME server')
    .option('--listen <address...>', 'edges: addresses to listen on (default: 0.0.0.0)')
    .option('--http-port <port>', 'edges: port for plain HTTP (default: 80)')
    .option('--https-port <port>', 'edges: port for HTTPS (default: 443)')
    .option('--address <ip...>', 'edges: public addresses to announce (default: the one that faces the control plane)')
    .option(
      '--approve-recipients',
      'edges: give the keys of the pool to no other machine before kokoa-agent approve says so here; for every edge of a pool',
    )
    .option('--no-approve-recipients', 'edges: take that back')
    .addHelpText('after', HELP)
    .action(async (url: string, options: JoinOptions) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      await joinControlPlane(stateDir, url, options);
    });
}

async function joinControlPlane(stateDir: string, url: string, options: JoinOptions): Promise<void> {
  const token = await readTokenFrom(options.tokenFile);
  const judge = () => judgeWhatWasTold(stateDir, url, token, options);
  // First without the lock, because a mistyped join does not even make the directory.
  const before = await sayFindings(await preflight(preflightOf(stateDir, url, await judge())), options);
  if (await isOthers(stateDir))
    throw new KokoaError('state_foreign', `${stateDir} is somebody else's: it holds names that the agent needs`, {
      hint: 'name a directory of the agent’s own by --state',
    });
  await makeDirectory(stateDir, 0o711);
  const { lock, found: told } = await underLock(stateDir, judge);
  const asked = preflightOf(stateDir, url, told);
  const first = await firstBundle(stateDir, told, options);
  const { config, version } = first.verified;

  // From now on this machine is what it is, whoever signs, and its owner agrees to the network: see guardConfig and refuseOverlap.
  const { wireguard: network } = config.network;
  const settings: Settings = { ...told.settings, role: config.role, network };
  const known = { ...asked, role: config.role, network, agreed: told.settings.network === network };
  const wireguardPort = asked.interfaceName === undefined ? undefined : config.wireguard.port;
  await sayFindings(await preflight({ ...known, wireguardPort }), options, before);
  const { authorities } = told;
  const dropFormer = () => dropFormerTunnel(stateDir, told);
  await keepJoined(stateDir, { settings, token, authorities, placeBundle: first.placeIn }, dropFormer);
  await first.clear();
  lock.release();
  sayChanges(told, settings, options);
  console.log(`joined as ${settings.node} (${config.role}), version ${version} verified`);
  console.log(`next: ${agentCommand(stateDir, 'run')}`);
}

/** Announces this machine, and waits. @throws KokoaError for a join that cannot succeed, with the code of the refusal */
async function firstBundle(stateDir: string, told: Told, options: JoinOptions): Promise<Acceptable> {
  const { settings, token, ca } = told;
  const { node, role } = settings;
  const keys = await openNodeKeys(stateDir);
  console.log(`this machine asks to be ${node}; it announces keys with the fingerprint\n  ${keys.fingerprint}`);
  const opened = await openJoining({ stateDir, settings, token, ca, keys });
  const expected: NodeRole = role ?? (settings.allow === '' ? 'edge' : 'origin');
  const joined = await join(
    {
      ...opened,
      node,
      folder: `${expected}s`,
      roleIsTold: options.role !== undefined,
      now: Date.now,
      say: (line) => console.log(line),
    },
    interruption(),
  );
  await opened.control.close();
  if (joined.kind === 'refused') throw notJoined(joined, stateDir);
  const found = joined.bundle.config.role;
  if (role !== undefined && role !== found) throw otherRole(role, found, node);
  return opened.firstBundle();
}

/** What is known before the first bundle. */
function preflightOf(stateDir: string, url: string, { settings, ca }: Told): Preflight {
  const { role, interfaceName, listen } = settings;
  return {
    ...{ stateDir, url, role, interfaceName, listen, network: undefined, agreed: false, wireguardPort: undefined },
    ca,
  };
}

/** Nobody would close a port of a tunnel that this machine no longer has by name. */
async function dropFormerTunnel(stateDir: string, { before, settings }: Told): Promise<void> {
  const former = before?.interfaceName;
  if (former === undefined || former === settings.interfaceName) return;
  const leavings = openLeavings({ stateDir, interfaceName: former, named: false, keepState: true });
  for (const { undo } of [leavings.tunnel, leavings.kernelSettings, leavings.packetFilter])
    for (const line of await undo()) console.log(line);
}

function sayChanges({ before }: Told, settings: Settings, options: JoinOptions): void {
  if (before === undefined) return;
  const optionOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const given = Object.keys(options).map((name) => (name === 'tunnel' ? '--interface' : optionOf(name)));
  const { changed, kept } = joinChanges(before, settings, new Set(given));
  for (const line of changed) console.log(line);
  if (kept.length > 0) console.log(`as before: ${kept.join(', ')}`);
}
