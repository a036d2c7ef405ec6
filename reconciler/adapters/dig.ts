// Runs dig: questions to the primary server of one zone, by TCP and signed, and the transfer of the whole zone. Laws: the key goes through
// standard input, never into an argument, a file of ours or an error; only signed answers count; and a server can neither fill memory nor wait.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import { type Answer, type Question, readAnswers } from '../core/dns/answers.ts';
import { readTransfer, type StandingRecords } from '../core/dns/transfer.ts';
import type { Rfc2136Options } from './nsupdate.ts';

const SILENCE_SECONDS = 4;
const TIMEOUT_MS = 15_000;
const MORE_MS_EACH = 100;
/** An answer can have 64 KB, and a record is printed longer than it is sent. */
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
const TRANSFER_TIMEOUT_MS = 60_000;
const TRANSFER_BYTES_MAX = 64 * 1024 * 1024;
/** Questions of one run; and how many run at a time. */
const QUESTIONS_MAX = 500;
const RUNS_MAX = 4;
const GIVEN_UP = '\n;; no servers could be reached';

interface Printed {
  text: string;
  isTooLarge: boolean;
}

/**
 * One answer for each question, in order.
 * @throws KokoaError dns_unreachable, dns_refused, dns_credentials
 */
export async function askAuthority(
  options: Rfc2136Options,
  questions: readonly Question[],
  signal: AbortSignal,
): Promise<Answer[]> {
  const size = Math.min(QUESTIONS_MAX, Math.max(1, Math.ceil(questions.length / RUNS_MAX)));
  const runs = Array.from({ length: Math.ceil(questions.length / size) }, (_, at) =>
    questions.slice(at * size, (at + 1) * size),
  );
  const answers: Answer[] = [];
  for (let at = 0; at < runs.length; at += RUNS_MAX) {
    const some = runs.slice(at, at + RUNS_MAX).map((run) => askOnce(options, run, signal));
    answers.push(...(await Promise.all(some)).flat());
  }
  return answers;
}

async function askOnce(
  options: Rfc2136Options,
  questions: readonly Question[],
  signal: AbortSignal,
): Promise<Answer[]> {
  const { text } = await dig(options, questions, {
    print: ['+comments', '+question', '+answer', '+authority'],
    timeoutMs: TIMEOUT_MS + questions.length * MORE_MS_EACH,
    bytesMax: OUTPUT_BYTES_MAX,
    signal,
  });
  const answers = readAnswers(text) ?? [];
  const { zone, address, port } = options;
  const where = `${address} port ${port}`;
  const failed = answers.find(({ status }) => status !== 'NOERROR' && status !== 'NXDOMAIN')?.status;
  if (failed === 'NOTAUTH')
    throw new KokoaError('dns_credentials', `${where} does not know the TSIG key of ${zone}: NOTAUTH`, {
      hint: 'compare the name, algorithm and secret of the key on both sides, and the clock of both machines',
    });
  if (failed !== undefined)
    throw new KokoaError('dns_refused', `${where} refused a question about ${zone}: ${failed}`, {
      hint: 'let the TSIG key of the zone ask its primary server',
    });
  if (isUnsigned(text)) throw unreachable('its answer was not signed with the key', options);
  const isInOrder = questions.every(({ name, type }, at) => answers[at]?.name === name && answers[at]?.type === type);
  if (answers.length !== questions.length || !isInOrder) throw unreachable('it did not answer', options);
  return answers;
}

/**
 * The whole zone. Undefined: the server does not tell it, or it is larger than can be taken.
 * @throws KokoaError dns_unreachable
 */
export async function transferZone(options: Rfc2136Options, signal: AbortSignal): Promise<StandingRecords | undefined> {
  const { text, isTooLarge } = await dig(options, [{ name: options.zone, type: 'AXFR' }], {
    print: ['+answer'],
    timeoutMs: TRANSFER_TIMEOUT_MS,
    bytesMax: TRANSFER_BYTES_MAX,
    signal,
  });
  if (isTooLarge) return undefined;
  const isFailed = /^; Transfer failed\.$/m.test(text);
  if (isFailed && !/^[^;\n]/m.test(text)) return undefined;
  const records = isFailed || isUnsigned(text) ? undefined : readTransfer(text, options.zone);
  if (records === undefined) throw unreachable('the transfer of the zone broke off', options);
  return records;
}

async function dig(
  options: Rfc2136Options,
  questions: readonly Question[],
  limits: { print: readonly string[]; timeoutMs: number; bytesMax: number; signal: AbortSignal },
): Promise<Printed> {
  const { address, port, key } = options;
  const { print, timeoutMs, bytesMax, signal } = limits;
  if (signal.aborted) throw unreachable('nobody waits for it any more', options);
  const input = questions.map(
    ({ name, type }) => `-y ${key.algorithm}:${key.name}:${key.secret} -q ${name}. -t ${type}\n`,
  );
  const server = [`@${address}`, '-p', String(port), '+tcp', '+keepopen', `+time=${SILENCE_SECONDS}`, '+tries=1'];
  // Without +nocmd it prints each line of its input, the key in it.
  const asked = ['+nocmd', '+noall', ...print, '+norecurse', '+noidnin', '+noidnout'];
  const running = execa('dig', ['-r', ...server, ...asked, '-f', '-'], {
    input: input.join(''),
    env: { PATH: process.env.PATH ?? '/usr/bin', LC_ALL: 'C' },
    extendEnv: false,
    reject: false,
    timeout: timeoutMs,
    maxBuffer: bytesMax,
    cancelSignal: signal,
  });
  // One question that gets no answer is enough: the others would wait as long.
  let tail = '';
  running.stdout.on('data', (chunk: Buffer) => {
    tail = tail.slice(-GIVEN_UP.length) + chunk.toString('latin1');
    if (tail.includes(GIVEN_UP)) running.kill();
  });
  const { code, stdout, isMaxBuffer, isCanceled, timedOut } = await running;
  if (code === 'ENOENT')
    throw new KokoaError('dns_unreachable', 'there is no dig to run', { hint: 'install bind9-dnsutils' });
  if (isCanceled) throw unreachable('nobody waits for it any more', options);
  if (timedOut) throw unreachable('it was too slow', options);
  return { text: String(stdout), isTooLarge: isMaxBuffer };
}

/** dig prints what is not signed as well, with a warning: lines of a server never begin so. */
function isUnsigned(text: string): boolean {
  return /^;; (?:Couldn't verify signature|WARNING -- Some TSIG could not be validated)/m.test(text);
}

function unreachable(why: string, { zone, address, port }: Rfc2136Options): KokoaError {
  return new KokoaError('dns_unreachable', `${address} port ${port} did not tell of ${zone}: ${why}`, {
    hint: 'check server and credentials of the zone in kokoa.yaml, and the clock of both machines',
  });
}
