// `kokoa init`: a repository with data alone, and its workflows. What it writes is valid at once, and the same names give the same bytes.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import manifest from '../../package.json' with { type: 'json' };
import { loadTemplates } from '../adapters/template-files.ts';
import { canonicalHostname } from '../core/hostname.ts';
import { type InitFile, type InitNames, initFiles } from '../core/init-files.ts';
import { placeTree } from './init-place.ts';

const HELP = `
DIR is new or empty; a fresh clone of a repository without commits is fine too.
Nothing is written when anything is wrong.

The workflows run Kokoa from GitHub, at one version: --kokoa names where your
fork or its source is, such as your-org/kokoa-proxy or, with a version,
your-org/kokoa-proxy@v1.2.3.`;

interface Options {
  zone: string;
  operators: string[];
  kokoa: string;
  team?: string;
  controlPlane?: string;
}

/** Adds the command. @throws KokoaError usage, folder_not_empty, unwritable */
export function registerInit(program: Command): void {
  program
    .command('init')
    .description('make a repository with data alone: kokoa.yaml, routes/, origins/, edges/, workflows')
    .argument('<dir>', 'a new or empty folder')
    .requiredOption('--zone <domain>', 'a domain of yours, below which the hostnames are')
    .requiredOption(
      '--operators <owner>',
      'who approves what is no team’s, such as @octo-org/ops; may be repeated',
      collect,
    )
    .requiredOption('--kokoa <owner/repo[@tag]>', 'where Kokoa itself is on GitHub')
    .option('--team <team>', 'the first team (default: the first part of the domain)')
    .option('--control-plane <url>', 'where nodes will reach the reconciler (default: https://control.DOMAIN:8443)')
    .addHelpText('after', HELP)
    .action(async (dir: string, options: Options) => {
      const names = namesOf(options);
      const files = await filesOf(names);
      await placeTree(resolve(dir), files);
      console.log(`wrote ${files.length} files to ${dir}`);
      for (const line of nextSteps(dir, names)) console.error(line);
    });
}

/** All files of the new repository, sorted. @throws KokoaError usage */
export async function filesOf(names: InitNames): Promise<InitFile[]> {
  const { rendered, copied } = await loadTemplates();
  const files = [...initFiles(rendered, names), ...[...copied].map(([path, text]) => ({ path, text }))];
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function namesOf({ zone, operators, kokoa, team, controlPlane }: Options): InitNames {
  const [kokoaRepository = '', kokoaRef = `v${manifest.version}`, ...more] = kokoa.split('@');
  if (more.length > 0) throw new KokoaError('usage', '--kokoa: found two @, expected OWNER/REPOSITORY@TAG');
  const named = canonicalHostname(zone);
  const domain = named.kind === 'hostname' ? named.hostname : zone;
  return {
    zone,
    operators,
    kokoaRepository,
    kokoaRef,
    team: team ?? domain.split('.')[0]!,
    controlPlane: controlPlane ?? `https://control.${domain}:8443`,
  };
}

function nextSteps(dir: string, { kokoaRepository, kokoaRef }: InitNames): string[] {
  return [
    '',
    'Next: make it a repository on GitHub, and follow its README:',
    `  cd ${dir}`,
    '  git init -b main && git add --all && git commit -m "Begin the fleet"',
    '  git remote add origin git@github.com:OWNER/REPOSITORY.git',
    '  git push -u origin main',
    `The workflows run ${kokoaRepository} at ${kokoaRef}: see that this tag is there.`,
  ];
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
