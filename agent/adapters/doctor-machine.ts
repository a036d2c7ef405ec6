// What a doctor reads of this machine beyond a preflight: other agents, the systemd unit, inodes, packet filters. Changes nothing.
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, statfs } from 'node:fs/promises';
import { runProgram } from './program.ts';

const LOOK_MS = 4_000;
const PROCESSES_MAX = 65_536;
const UNIT = 'kokoa-agent.service';
const AGENT = /(^|\/)kokoa-agent(\.mjs|\.js)?$|\/agent\/main\.ts$/;

/** Processes that are `kokoa-agent run` in this network namespace: those of a container have a machine of their own. */
export async function runningAgents(): Promise<number> {
  const mine = await readlink('/proc/self/ns/net').catch(() => '');
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]{1,10}$/.test(name)).slice(0, PROCESSES_MAX);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const at = words.findIndex((word) => AGENT.test(word));
      if (at < 0 || at > 4 || !words.slice(at + 1).includes('run')) return false;
      return (await readlink(`/proc/${pid}/ns/net`).catch(() => '')) === mine;
    }),
  );
  return found.filter(Boolean).length;
}

/** `enabled`, `disabled`, empty for none; undefined where there is no systemd. */
export async function unitState(): Promise<string | undefined> {
  if (!existsSync('/run/systemd/system')) return undefined;
  const asked = await runProgram(['systemctl', 'is-enabled', UNIT], { timeoutMs: LOOK_MS }).catch(() => undefined);
  const said = asked?.stdout.trim() ?? '';
  return /^[a-z-]{1,30}$/.test(said) && said !== 'not-found' ? said : '';
}

export async function inodesUnder(directory: string): Promise<{ free: number; all: number }> {
  const { ffree, files } = await statfs(directory);
  return { free: ffree, all: files };
}

/** What `nft -j list ruleset` prints; undefined: it may not be seen. */
export async function packetFilters(): Promise<string | undefined> {
  const listed = await runProgram(['nft', '-j', 'list', 'ruleset'], { timeoutMs: LOOK_MS }).catch(() => undefined);
  return listed?.ok ? listed.stdout : undefined;
}
