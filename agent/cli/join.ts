// `kokoa-agent join`: makes the node's keys, keeps what it was told, announces, and waits until git knows this machine.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { makeDirectory, writeDurably } from '../adapters/durable-write.ts';
import { openNodeKeys, saveToken } from '../adapters/node-keys.ts';
import { writeSettings } from '../adapters/settings-file.ts';
import { lockState } from '../adapters/state-lock.ts';
import { isOthers } from '../adapters/state-remains.ts';
import { type Finding, findingLines } from '../core/preflight.ts';
import { join } from '../join.ts';
import { openLeavings } from '../leavings.ts';
import { openNode } from '../node.ts';
import { type Preflight, preflight } from '../preflight.ts';
import { interruption } from './interruption.ts';
import { type JoinOptions, readWhatWasTold, type Told } from './told.ts';

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
        'ever opened',
      'none',
    )
    .addOption(
      new Option(
        '--role <role>',
        'what this machine is for, for good (default: origin with --allow, else what git says)',
      ).choices(['edge', 'origin']),
    )
    .option('--force', 'join although something here stands in the way')
    .option('--interface <name>', 'name of the WireGuard interface', 'kokoa0')
    .option('--no-tunnel', 'origins are reached without WireGuard (one machine, or a private network)')
    .option('--acme-ca <file>', 'PEM file of the CA of a private ACME server')
    .option('--listen <address...>', 'edges: addresses to listen on', ['0.0.0.0'])
    .option('--http-port <port>', 'edges: port for plain HTTP', '80')
    .option('--https-port <port>', 'edges: port for HTTPS', '443')
    .option('--address <ip...>', 'edges: public addresses to announce (default: the one that faces the control plane)')
    .action(async (url: string, options: JoinOptions) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      await joinControlPlane(stateDir, url, options);
    });
}

async function joinControlPlane(stateDir: string, url: string, options: JoinOptions): Promise<void> {
  const told = await readWhatWasTold(stateDir, url, options);
  const asked = preflightOf(stateDir, url, told);
  const before = await sayFindings(await preflight(asked), options);
  if (await isOthers(stateDir))
    throw new KokoaError('state_foreign', `${stateDir} is somebody else's: it holds names that the agent needs`, {
      hint: 'name a directory of the agent’s own by --state',
    });
  await makeDirectory(stateDir, 0o711);
  const lock = await lockState(stateDir);
  await dropFormerTunnel(stateDir, told);
  for (const { path, pem } of told.files) await writeDurably(path, pem, { mode: 0o600 });
  await writeSettings(stateDir, told.settings);
  await saveToken(stateDir, told.token);
  const { node } = told.settings;
  const { fingerprint } = await openNodeKeys(stateDir);
  console.log(`this machine asks to be ${node}; it announces keys with the fingerprint\n  ${fingerprint}`);

  const opened = await openNode(stateDir);
  const joined = await join(
    {
      node,
      folder: told.settings.allow === '' ? 'edges' : 'origins',
      control: opened.control,
      trusted: opened.machine.trusted,
      enrolment: await opened.enrolment(),
      now: Date.now,
      say: (line) => console.log(line),
    },
    interruption(),
  );
  await opened.control.close();
  if (joined.kind === 'refused') {
    throw new KokoaError(joined.code, `not joined: ${joined.detail}`, {
      hint: HINTS[joined.code] ?? 'see docs/operate.md',
    });
  }
  const { config, version } = joined.bundle;
  const { role } = told.settings;
  if (role !== undefined && role !== config.role) throw otherRole(role, config.role, node);
  // From now on this machine is what it is, whoever signs: see guardConfig and refuseOverlap.
  const { wireguard } = config.network;
  await writeSettings(stateDir, { ...told.settings, role: config.role });
  console.log(`joined as ${node} (${config.role}), version ${version} verified`);
  const known = { ...asked, role: config.role, network: wireguard, agreed: told.settings.network === wireguard };
  const port = asked.interfaceName === undefined ? undefined : config.wireguard.port;
  await sayFindings(await preflight({ ...known, wireguardPort: port }), options, before);
  // Whatever lies under the network of the tunnels, its owner agreed to it now.
  await writeSettings(stateDir, { ...told.settings, role: config.role, network: wireguard });
  lock.release();
  console.log('next: kokoa-agent run');
}

function otherRole(role: NodeRole, found: NodeRole, node: string): KokoaError {
  return new KokoaError(
    'role_changed',
    `not joined: this machine is to be an ${role}, and git says it is an ${found}`,
    {
      hint: `correct edges/${node}.yaml or origins/${node}.yaml in git; or join again with --role ${found}, if that is meant`,
    },
  );
}

const HINTS: Record<string, string> = {
  foreign_root: 'compare --fingerprint with what `kokoa keys status` prints on the control plane',
  not_bound:
    'another machine announced itself for this slot first: make a new token with `kokoa edge token NAME` (it raises the generation)',
  wrong_node: 'the token belongs to another node than the bundle',
  interrupted: 'run the same command again: the keys are kept',
};

/** What is known before the first bundle. */
function preflightOf(stateDir: string, url: string, { settings, files }: Told): Preflight {
  const { role, interfaceName, listen, caFile } = settings;
  return {
    ...{ stateDir, url, role, interfaceName, listen, network: undefined, agreed: false, wireguardPort: undefined },
    ca: files.find(({ path }) => path === caFile)?.pem,
  };
}

/**
 * Says what was not said before, and answers all that was said.
 * @throws KokoaError preflight_failed for an error, unless it is to be ignored
 */
async function sayFindings(
  findings: readonly Finding[],
  { force }: JoinOptions,
  before: readonly string[] = [],
): Promise<string[]> {
  const said = findings.map((finding) => findingLines(finding).join('\n'));
  for (const text of said) if (!before.includes(text)) console.error(text);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  if (errors === 0 || force) return said;
  throw new KokoaError(
    'preflight_failed',
    `${errors === 1 ? 'one thing stands' : `${errors} things stand`} in the way`,
    {
      hint: 'mend it and join again; --force joins all the same',
    },
  );
}

/** Nobody would close a port of a tunnel that this machine no longer has by name. */
async function dropFormerTunnel(stateDir: string, { former, settings }: Told): Promise<void> {
  if (former === undefined || former === settings.interfaceName) return;
  const leavings = openLeavings({ stateDir, interfaceName: former, named: false, keepState: true });
  for (const { undo } of [leavings.tunnel, leavings.kernelSettings, leavings.packetFilter])
    for (const line of await undo()) console.log(line);
}
