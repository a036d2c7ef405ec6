// What an agent leaves on its machine, found and undone by the adapters that made it. Nothing is decided here.
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { findOwn, stopDetached } from './adapters/detached.ts';
import { removeTables } from './adapters/filter-remains.ts';
import { createKernelSettings } from './adapters/kernel-settings.ts';
import { createNginx } from './adapters/nginx.ts';
import { findAll } from './adapters/nginx-processes.ts';
import { removeState } from './adapters/state-remains.ts';
import { removeTunnel } from './adapters/tunnel-remains.ts';
import { readLink } from './adapters/wireguard-link.ts';
import { planForwarding } from './core/forwarding-plan.ts';
import { nginxPaths } from './core/nginx-paths.ts';
import type { Leavings } from './leave.ts';

export interface LeavingsOptions {
  stateDir: string;
  /** Absent: origins were reached without a tunnel. */
  interfaceName: string | undefined;
  /** The owner named the interface. */
  named: boolean;
  keepState: boolean;
}

export function openLeavings({ stateDir, interfaceName, named, keepState }: LeavingsOptions): Leavings {
  const runDir = join(stateDir, 'run');
  const keyFile = join(stateDir, 'wireguard.key');
  const tunnel = { interfaceName: interfaceName ?? '', keyFile, stateDir, runDir, named };
  return {
    webServer: { undo: () => endWebServer(stateDir) },
    certificateOrders: { undo: () => endOrders(stateDir) },
    tunnel: { undo: async () => (interfaceName === undefined ? [] : removeTunnel(tunnel)) },
    kernelSettings: { undo: () => turnOff(stateDir) },
    packetFilter: { undo: async () => (interfaceName === undefined ? [] : removeFilter(interfaceName)) },
    state: keepState ? undefined : { undo: () => removeState(stateDir) },
  };
}

async function endWebServer(stateDir: string): Promise<string[]> {
  // /proc shows paths without symlinks.
  const real = await realpath(stateDir).catch(() => stateDir);
  const found = await findAll(nginxPaths(real));
  if (found.length === 0) return [];
  await createNginx({ binary: 'nginx', stateDir }).stop();
  return [`ended nginx: ${found.length} processes`];
}

/** A certbot that goes on alone would write into a directory that is gone. */
async function endOrders(stateDir: string): Promise<string[]> {
  const below = `--config-dir=${join(stateDir, 'acme')}/`;
  const found = await findOwn((argv) => argv.some((argument) => argument.startsWith(below)));
  for (const process of found) await stopDetached(process);
  return found.length === 0 ? [] : [`ended certbot: ${found.length} orders`];
}

/** A tunnel that was left alone is another agent's, or not ours to open: its filter stays before it. */
async function removeFilter(interfaceName: string): Promise<string[]> {
  if (await readLink({ name: interfaceName, prefix: [] })) return [];
  return removeTables({ interfaceName });
}

async function turnOff(stateDir: string): Promise<string[]> {
  const settings = createKernelSettings({ stateDir });
  const state = await settings.read([]);
  if (state.own.length === 0) return [];
  const { turnOff: off } = planForwarding([], state);
  await settings.turn('off', off, []);
  return off.map(({ interfaceName, name }) => `turned off net.ipv4.conf.${interfaceName}.${name}`);
}
