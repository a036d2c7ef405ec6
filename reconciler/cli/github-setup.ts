// `kokoa github setup`: makes the GitHub App of a fleet, in two steps with a browser between them. Law: the code is never an argument, and
// key and secret go into files that nobody else can read, at once and over nothing.
import { randomBytes } from 'node:crypto';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { exchangeCode } from '../adapters/github-app-code.ts';
import { appManifest, appPage, codeIn, REDIRECT_URL } from '../core/github-app.ts';
import { GITHUB_API } from './github-options.ts';
import { openTerminal } from './terminal.ts';
import { writingTo } from './unwritable.ts';

const HELP = `
First, with --url: prints the manifest of the App and writes a page that posts
it to GitHub. Open the page in a browser, press its button, name the App.
GitHub then leads to an address that nobody answers. Second, with --code: asks
for that address (or reads it from standard input), gets the key and the secret,
and writes them to --dir. The address is a secret until then.

Exit code: 0 done, 1 GitHub refused or a file is there already, 2 wrong usage.`;

const PAGE = 'kokoa-app.html';
const KEY = 'app-key.pem';
const SECRET = 'webhook-secret';
/** No code of GitHub is shorter: codeIn. */
const CODE_CHARS_MIN = 8;

interface Options {
  url?: string;
  organization?: string;
  code?: boolean;
  dir: string;
  githubApi: string;
}

/** Adds `github setup`. @throws KokoaError usage, file_exists, unwritable, and what exchangeCode throws */
export function registerGithub(program: Command): void {
  program
    .command('github')
    .description('the repository on GitHub')
    .command('setup')
    .description('make the GitHub App that speaks on pull requests')
    .option('--url <url>', 'where GitHub reaches the reconciler, such as https://control.example.com:8443')
    .option('--organization <name>', 'whose App it is (default: your own account)')
    .option('--code', 'the second step: exchange the code for the key')
    .option('--dir <dir>', 'where page, key and secret are written', '../kokoa-github')
    .option('--github-api <url>', 'of a GitHub Enterprise Server: https://HOST/api/v3', GITHUB_API)
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      if ((options.url === undefined) === (options.code === undefined))
        throw new KokoaError('usage', 'expected one of --url URL (the first step) and --code (the second)');
      if (options.url !== undefined) await firstStep(options, options.url);
      else await secondStep(options);
    });
}

async function firstStep({ organization, dir }: Options, url: string): Promise<void> {
  const manifest = appManifest(url);
  const page = appPage(manifest, organization);
  const place = join(dir, PAGE);
  await writingTo(place, mkdir(resolve(dir), { recursive: true, mode: 0o700 }));
  await writingTo(place, writeFile(place, page));
  console.log(JSON.stringify(manifest, null, 2));
  console.error(`\nwrote ${place}\n`);
  console.error('1. In a browser where you are logged in to GitHub, press the button of');
  console.error(`   ${place}`);
  console.error('2. Copy the address of the page that cannot be reached.');
  console.error(`3. kokoa github setup --code --dir ${dir}`);
}

async function secondStep({ dir, githubApi }: Options): Promise<void> {
  const [key, secret] = [join(dir, KEY), join(dir, SECRET)];
  // Before the code is spent.
  await refuseExisting(key);
  await refuseExisting(secret);
  await writingTo(dir, mkdir(resolve(dir), { recursive: true, mode: 0o700 }));
  const pasted = await askForAddress();
  refuseCutOff(pasted);
  const app = await exchangeCode(githubApi, codeIn(pasted));
  await writingTo(key, writePrivate(key, app.pem));
  await writingTo(secret, writePrivate(secret, `${app.webhook_secret}\n`));
  console.log(`wrote ${key} and ${secret}`);
  console.error(`\nThe App ${app.slug} has the id ${app.id}. Install it in the repository, and in no other:`);
  console.error(`  https://github.com/apps/${app.slug}/installations/new`);
  console.error('Then give kokoa serve:');
  console.error(`  --github OWNER/REPOSITORY --github-app-id ${app.id} --github-app-key ${key} \\`);
  console.error(`  --webhook-secret-file ${secret}`);
  console.error(`${join(dir, PAGE)} is of no more use.`);
}

async function askForAddress(): Promise<string> {
  if (process.stdin.isTTY !== true) return text(process.stdin);
  const terminal = openTerminal(process.stdin, process.stderr);
  try {
    return await terminal.askHidden('The address that GitHub led to (not shown): ');
  } finally {
    terminal.close();
  }
}

/** A terminal or a double click may copy a part of it. The code is not repeated. */
function refuseCutOff(pasted: string): void {
  const { length = 0 } = URL.parse(pasted.trim())?.searchParams.get('code') ?? '';
  if (length === 0 || length >= CODE_CHARS_MIN) return;
  throw new KokoaError('usage', `found a code of ${length} characters, which seems to be cut off`, {
    hint: `Copy the whole address: ${REDIRECT_URL}?code=…\nwith some 40 letters and digits. The code was not used.`,
  });
}

async function refuseExisting(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  throw new KokoaError('file_exists', `${path} exists already and is not overwritten`, {
    hint: 'Name another folder: --dir DIR. The code was not used.',
  });
}

/** Complete or not at all, and never readable for others. */
async function writePrivate(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, content, { flag: 'wx', mode: 0o600, flush: true });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
