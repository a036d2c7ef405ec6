// `kokoa get edges|origins|routes|dns|certs|rollout`: what a running reconciler sees. Law: it only reads, and what it prints cannot act on a terminal.
import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { TOKEN_BYTES_MAX } from '../../bundle/limits.ts';
import { readApi } from '../adapters/api-client.ts';
import type { RolloutView } from '../core/rollout/rollout-view.ts';
import { certificateTable, dnsTable, routeTable } from './host-tables.ts';
import { type NodeRow, nodeTable } from './node-table.ts';
import { withEscapes } from './problem-text.ts';
import { rolloutText } from './rollout-text.ts';
import { readSecretFile } from './secret-file.ts';

const PLACE_HELP = `
On the machine of the reconciler it needs no token. Where kokoa serve has
--tls-cert: --url https://127.0.0.1:PORT --ca FILE, that certificate or its CA.`;

const NODES_HELP = `
STATE is what the node reports; what was taken from it stands before that, such
as suspended (applied). silent: it never reported. old token: git has a new one,
and the machine has not joined with it.
FINGERPRINT shows the beginning of the node's fingerprint, of which the machine
prints all at kokoa-agent join and status; so does -o json here.
An announcement that was refused within the last hour stands below its node:
somebody else has the token, or the machine was set up anew.`;

const KINDS = {
  edges: 'the edges: state, fingerprint, last report, refused announcements',
  origins: 'the origins: state, fingerprint, last report, refused announcements',
  routes: 'the hostnames: how many edges serve each, and what is amiss',
  dns: 'the zones that are written, and the names that are not as git wants them',
  certs: 'the certificates, when they end, and which edges lack them',
  rollout: 'where settings of kokoa.yaml are that go out in waves, and why they stopped',
} as const;
type Kind = keyof typeof KINDS;
const PATHS: Partial<Record<Kind, string>> = { certs: 'certificates' };
/** What a team may read as well. */
const TEAM_KINDS: readonly Kind[] = ['routes', 'dns', 'certs'];

const URL_DEFAULT = 'http://127.0.0.1:8443';

interface Options {
  url: string;
  tokenFile?: string;
  ca?: string;
  output: 'table' | 'json' | 'yaml';
}

/** Adds the commands. @throws KokoaError usage, and what `readApi` throws */
export function registerGet(program: Command): void {
  const get = program.command('get').description('list what a running reconciler knows');
  for (const kind of Object.keys(KINDS) as Kind[])
    get
      .command(kind)
      .description(KINDS[kind])
      .option('--url <url>', 'where the reconciler listens', URL_DEFAULT)
      .option(
        '--token-file <file>',
        `file with the token of ${TEAM_KINDS.includes(kind) ? 'a team or of any node' : 'any node'}`,
      )
      .option('--ca <file>', 'PEM file of the CA of the reconciler')
      .addOption(
        new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'yaml']).default('table'),
      )
      .addHelpText('after', kind !== 'edges' && kind !== 'origins' ? PLACE_HELP : `${PLACE_HELP}\n${NODES_HELP}`)
      .action(async ({ url, tokenFile, ca, output }: Options) => {
        const token =
          tokenFile === undefined
            ? undefined
            : await readSecretFile({ option: '--token-file', path: tokenFile, bytesMax: TOKEN_BYTES_MAX });
        const answer = (await readApi({ url, token, caFile: ca }, `/api/v1/${PATHS[kind] ?? kind}`)) as Record<
          string,
          unknown
        >;
        process.stdout.write(printed(answer, kind, output));
      });
}

function printed(answer: Record<string, unknown>, kind: Kind, output: Options['output']): string {
  if (output === 'json') return `${withEscapes(JSON.stringify(answer, undefined, 2))}\n`;
  if (output === 'yaml') return withEscapes(stringify(answer));
  if (kind === 'rollout') return rolloutText((answer.rollout ?? null) as RolloutView | null);
  if (kind === 'routes') return routeTable(answer.routes);
  if (kind === 'dns') return dnsTable(answer.zones);
  if (kind === 'certs') return certificateTable(answer.certificates);
  const rows = Array.isArray(answer[kind]) ? (answer[kind] as NodeRow[]) : [];
  const { rootVersion } = answer;
  return nodeTable(rows, kind, Date.now(), typeof rootVersion === 'number' ? rootVersion : undefined);
}
