// `kokoa status [NAME]`: how the fleet is, or one hostname, edge or origin. Law: it only reads; 0 is well, 1 is trouble.
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { TOKEN_BYTES_MAX } from '../../bundle/limits.ts';
import { readApi } from '../adapters/api-client.ts';
import { looksLikeTeamToken } from '../core/team-token.ts';
import { readSecretFile } from './secret-file.ts';
import { fleetPage, type Seen, thingPage } from './status-text.ts';

const URL_DEFAULT = 'http://127.0.0.1:8443';

interface Options {
  url: string;
  tokenFile?: string;
  ca?: string;
}

/** Adds the command. @throws KokoaError usage, and what `readApi` throws */
export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('what is amiss, worst first; with a name, all about a hostname, an edge or an origin')
    .argument('[name]', 'hostname, edge or origin')
    .option('--url <url>', 'where the reconciler listens', URL_DEFAULT)
    .option('--token-file <file>', 'file with the token of a team or of any node')
    .option('--ca <file>', 'PEM file of the CA of the reconciler')
    .addHelpText('after', '\nIt ends with 0 when all is well, and with 1 when something is not.')
    .action(async (name: string | undefined, options: Options) => {
      const seen = await look(options);
      const page = name === undefined ? fleetPage(seen) : thingPage(seen, name);
      if (page === undefined)
        throw new KokoaError('usage', 'found no hostname, edge or origin of that name', {
          hint: 'kokoa get routes, edges or origins lists them',
        });
      process.stdout.write(page.text);
      if (!page.isWell) process.exitCode = 1;
    });
}

async function look({ url, tokenFile, ca }: Options): Promise<Seen> {
  const token =
    tokenFile === undefined
      ? undefined
      : await readSecretFile({ option: '--token-file', path: tokenFile, bytesMax: TOKEN_BYTES_MAX });
  const read = async (path: string) => (await readApi({ url, token, caFile: ca }, path)) as Record<string, unknown>;
  const { routes } = await read('/api/v1/routes');
  const { zones } = await read('/api/v1/dns');
  const { certificates } = await read('/api/v1/certificates');
  // 503 while it is not ready: it answered the lists a moment ago, so that is what it means.
  const ready = await read('/readyz').catch(() => ({ status: 'not ready' }));
  const own = { ready, routes, zones, certificates, nowMs: Date.now() };
  if (token !== undefined && looksLikeTeamToken(token)) return own;
  const { edges } = await read('/api/v1/edges');
  const { origins } = await read('/api/v1/origins');
  const { rollout } = await read('/api/v1/rollout');
  return { ...own, edges, origins, rollout };
}
