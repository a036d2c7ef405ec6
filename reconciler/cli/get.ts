// `kokoa get edges|origins`: the nodes as a running reconciler sees them. Law: it only reads, and what it prints cannot act on a terminal.
import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { TOKEN_BYTES_MAX } from '../../bundle/limits.ts';
import { readApi } from '../adapters/api-client.ts';
import { type NodeRow, nodeTable } from './node-table.ts';
import { withEscapes } from './problem-text.ts';
import { readSecretFile } from './secret-file.ts';

const HELP = `
On the machine of the reconciler it needs no token. FINGERPRINT is how the one
begins that kokoa-agent join and status print; -o json has all of it.
An announcement that was refused within the last hour stands below its node:
somebody else has the token, or the machine was set up anew.`;

const KINDS = ['edges', 'origins'] as const;
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
  for (const kind of KINDS)
    get
      .command(kind)
      .description(`the ${kind}: state, fingerprint, last report, refused announcements`)
      .option('--url <url>', 'where the reconciler listens', URL_DEFAULT)
      .option('--token-file <file>', 'file with the token of any node')
      .option('--ca <file>', 'PEM file of the CA of the reconciler')
      .addOption(
        new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'yaml']).default('table'),
      )
      .addHelpText('after', HELP)
      .action(async ({ url, tokenFile, ca, output }: Options) => {
        const token =
          tokenFile === undefined
            ? undefined
            : await readSecretFile({ option: '--token-file', path: tokenFile, bytesMax: TOKEN_BYTES_MAX });
        const answer = (await readApi({ url, token, caFile: ca }, `/api/v1/${kind}`)) as Record<string, unknown>;
        process.stdout.write(printed(answer, kind, output));
      });
}

function printed(answer: Record<string, unknown>, kind: (typeof KINDS)[number], output: Options['output']): string {
  if (output === 'json') return `${withEscapes(JSON.stringify(answer, undefined, 2))}\n`;
  if (output === 'yaml') return withEscapes(stringify(answer));
  const rows = Array.isArray(answer[kind]) ? (answer[kind] as NodeRow[]) : [];
  return nodeTable(rows, kind, Date.now());
}
