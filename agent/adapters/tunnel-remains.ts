// The WireGuard interface, taken away for good. Law: an interface with another key than this node's is somebody else's, whatever its
// name is, unless the owner named it.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publicKeyOf } from '../core/wireguard-key.ts';
import { runProgram } from './program.ts';
import { createWireguard, type WireguardOptions } from './wireguard.ts';
import { readLink } from './wireguard-link.ts';

export interface TunnelRemainsOptions extends WireguardOptions {
  /** The owner named the interface, so that no key has to prove whose it is. */
  named: boolean;
}

/** Ends the interface and its wireguard-go. Answers what was done, or why nothing was. @throws KokoaError tunnel_failed, stop_failed */
export async function removeTunnel(options: TunnelRemainsOptions): Promise<string[]> {
  const { interfaceName: name, commandPrefix: prefix = [], stateDir, named } = options;
  if (!(await readLink({ name, prefix }))) {
    // A killed wireguard-go leaves its socket, a hung one itself.
    await createWireguard(options).remove();
    return [];
  }
  const shown = await runProgram([...prefix, 'wg', 'show', name, 'public-key']);
  const key = shown.stdout.trim();
  if (!shown.ok) return [`left ${name} alone: it does not answer as a WireGuard interface`];
  if (!named && key !== NO_KEY && !(await ownKeys(stateDir)).includes(key))
    return [`left ${name} alone: its key is not this node’s; if it is ours: --interface ${name}`];
  await createWireguard(options).remove();
  return [`removed the tunnel ${name}`];
}

/** As wg(8) prints it: an agent was killed before it set one. */
const NO_KEY = '(none)';

/** Public halves of the WireGuard keys that this node has, had a moment ago or is about to have. */
export async function ownKeys(stateDir: string): Promise<string[]> {
  const names = (await readdir(stateDir).catch(() => [])).filter((name) => name.startsWith('wireguard.key'));
  const texts = await Promise.all(names.map((name) => readFile(join(stateDir, name), 'utf8').catch(() => '')));
  return texts.flatMap((text) => publicKeyOf(text.trim()) ?? []);
}
