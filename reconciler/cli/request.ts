// `kokoa request`: an issue "add a hostname" becomes a pull request, or an answer that says what to mend. Law: the issue is read from a
// file and is data; nothing is written into the clone.
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { failedAnswer, invalidAnswer, openedAnswer, proposalText, refusedAnswer } from '../core/hostname-answer.ts';
import { type HostnameRequest, parseHostnameRequest } from '../core/hostname-request.ts';
import { type Forge, ForgeError } from '../ports/forge.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { DEFAULT_BRANCH } from './followed-branch.ts';
import { addGithubOptions, forgeOf, type GithubCliOptions } from './github-options.ts';
import { requestedFile } from './request-file.ts';
import { writingTo } from './unwritable.ts';

const HELP = `
For the workflow hostname-request.yml: the event is the file that GitHub names
in GITHUB_EVENT_PATH. Another kind of issue is left alone, without an answer.
Without --github it says what it would propose.

Exit code: 0 answered, which may be a refusal; 1 the pull request could not be
opened; 2 wrong usage.`;

/** GitHub cuts the texts in it at 65 536 characters; the rest is the repository and people. */
const EVENT_BYTES_MAX = 4 * 1024 * 1024;
const STANDARD_INPUT = '/dev/stdin';

interface Options extends GithubCliOptions {
  event: string;
  answer?: string;
  branch: string;
}

/** Adds the command. @throws KokoaError usage, kokoa_missing, unwritable, and what the forge throws */
export function registerRequest(program: Command): void {
  const command = program
    .command('request')
    .description('turn an issue “add a hostname” into a pull request')
    .argument('[dir]', DATA_TOP_HELP)
    .requiredOption('--event <file>', 'the issue, as GitHub tells it to a workflow; - reads standard input')
    .option('--answer <file>', 'where the answer goes, as Markdown (default: standard output)')
    .option('--branch <name>', 'the branch that the pull request is for', DEFAULT_BRANCH);
  addGithubOptions(command)
    .addHelpText('after', HELP)
    .action(async (asked: string | undefined, options: Options) => {
      const forge = await forgeOf(options, options.branch);
      try {
        const issue = issueIn(await eventText(options.event));
        const answer = await answerTo(issue, dataTop(asked), forge);
        if (answer === undefined) return console.error('the issue is no request for a hostname');
        if (options.answer === undefined) process.stdout.write(answer.text);
        else await writingTo(options.answer, writeFile(options.answer, answer.text));
        if (answer.failure !== undefined) throw answer.failure;
      } finally {
        forge?.close();
      }
    });
}

interface Issue {
  number: number;
  body: string;
}

interface Answer {
  text: string;
  /** Why nobody but an operator can go on. */
  failure?: ForgeError;
}

/** Undefined: not ours to answer. @throws KokoaError kokoa_missing */
async function answerTo(issue: Issue, dir: string, forge: Forge | undefined): Promise<Answer | undefined> {
  const reading = parseHostnameRequest(issue.body);
  if (reading.kind === 'none') return undefined;
  if (reading.kind === 'refused') return { text: refusedAnswer(reading.problems) };
  const file = requestedFile(dir, reading.request, new Date());
  if (file.kind === 'refused') return { text: refusedAnswer(file.problems) };
  if (file.kind === 'invalid') return { text: invalidAnswer(file.problems) };
  return proposed(issue, reading.request, file, forge);
}

async function proposed(
  { number: issue }: Issue,
  request: HostnameRequest,
  file: { path: string; text: string },
  forge: Forge | undefined,
): Promise<Answer> {
  const said = proposalText({ issue, request, path: file.path });
  if (forge === undefined) return { text: `${said.title}\n\n${file.path}:\n${file.text}\n${said.body}` };
  const { path, text } = file;
  try {
    // The issue is the key: looked at again, it is the same pull request.
    return { text: openedAnswer(await forge.propose({ ...said, key: `issue-${issue}`, files: [{ path, text }] })) };
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    return { text: failedAnswer(error.message, hintOf(error)), failure: error };
  }
}

function hintOf({ code, hint }: ForgeError): string | undefined {
  return code === 'forge_forbidden'
    ? 'Settings → Actions → General: allow GitHub Actions to create pull requests.'
    : hint;
}

async function eventText(path: string): Promise<string> {
  // One byte more than is taken, so that too much is seen and not read.
  const file = createReadStream(path === '-' ? STANDARD_INPUT : path, { end: EVENT_BYTES_MAX });
  const bytes = await buffer(file).catch((cause: NodeJS.ErrnoException) => {
    throw usage(`--event: ${path} cannot be read (${cause.code})`);
  });
  if (bytes.length <= EVENT_BYTES_MAX) return bytes.toString();
  throw usage(`--event: found more than ${EVENT_BYTES_MAX} bytes, expected fewer`);
}

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues */
function issueIn(text: string): Issue {
  let event: { issue?: { number?: unknown; body?: unknown } } | null;
  try {
    event = JSON.parse(text) as typeof event;
  } catch {
    throw usage('--event: found no JSON, expected an event of an issue');
  }
  const { number, body } = event?.issue ?? {};
  const isIssue = typeof number === 'number' && Number.isSafeInteger(number) && number > 0;
  if (isIssue && (typeof body === 'string' || body === null || body === undefined)) return { number, body: body ?? '' };
  throw usage('--event: found no issue with a number and a body');
}

function usage(message: string): KokoaError {
  return new KokoaError('usage', message);
}
