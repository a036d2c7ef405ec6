// What stands on a machine beside the agent's things and is none of its business: an nginx, a table of nftables, an interface.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../bundle/canonical.ts';
import type { AgentHost } from './agent-host.ts';
import { expect } from './story.ts';

const PORT = 8088;
const TABLE = `table inet foreign {
  chain input {
    type filter hook input priority 5
    tcp dport 9 drop
  }
}
`;

/** Puts it there. */
export async function placeForeign(machine: AgentHost): Promise<void> {
  const { host } = machine;
  await host.exec('nft', ['-f', '-'], { input: TABLE });
  await host.exec('ip', ['link', 'add', 'foreign0', 'type', 'bridge']);
  const conf = foreignConf(machine);
  const server = `server { listen 127.0.0.1:${PORT}; location / { return 200 "foreign"; } }`;
  writeFileSync(conf, `pid ${conf}.pid; error_log ${conf}.log; events {} http { access_log off; ${server} }\n`);
  await host.exec('nginx', ['-c', conf]);
}

/** All of it as one text to compare; the other nginx has to answer. @throws UnmetExpectation, KokoaError lab_exec_failed */
export async function lookAtForeign(machine: AgentHost): Promise<string> {
  const { host } = machine;
  const { stdout: table } = await host.exec('nft', ['list', 'table', 'inet', 'foreign']);
  await host.exec('ip', ['link', 'show', 'foreign0']);
  const { stdout } = await host.exec('curl', ['-sS', '--max-time', '5', `http://127.0.0.1:${PORT}/`]);
  expect(stdout === 'foreign', 'the other nginx answers', stdout);
  return `${table}\n${hashOfFiles(machine)}`;
}

function foreignConf({ host }: AgentHost): string {
  return join(host.directory, 'foreign.conf');
}

/** A hash over files that are nobody's business: the other nginx's, and those of the distribution. */
function hashOfFiles(machine: AgentHost): string {
  const distribution = readdirSync('/etc/nginx', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  const files = [foreignConf(machine), ...distribution];
  return sha256Hex(files.map((path) => `${path}\n${readFileSync(path, 'latin1')}`).join('\n'));
}
