// DNS-01 with certbot: its hook is a few lines of shell, which leave the value in the order's folder and wait for the agent's answer. Laws: the
// command that certbot gives to a shell is a fixed text, whatever is ordered; and without a yes the CA is not asked to look.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DnsProof } from '../ports/certificate-authority.ts';
import { makeDirectory, readBounded } from './durable-write.ts';

/** certbot's HOME is the order's folder (certbot-run.ts). */
export const HOOK_COMMAND = 'sh "$HOME/dns-hook"';
/** Shorter than an order may take: the hook must not outlive it. */
const PROOF_MS_MAX = 150_000;
const HOOK_SECONDS_MAX = 180;
const LOOK_EVERY_MS = 50;
const PAUSE_MS_MIN = 200;
const PAUSE_MS_MAX = 10_000;
const VALUE_BYTES_MAX = 200;
const VALUE = /^[A-Za-z0-9_-]{43}$/;
const READY = 'ready';

/** Signal 0 of `kill`: the process group, which is certbot's own. It would ask the CA although the hook failed. */
const HOOK = `# Written by kokoa-agent for one order. certbot runs it with CERTBOT_VALIDATION set.
cd "$HOME/proof" || kill -TERM 0
printf '%s' "$CERTBOT_VALIDATION" > wanted.part && mv wanted.part wanted || kill -TERM 0
left=${HOOK_SECONDS_MAX * 10}
while [ ! -e answer ] && [ "$left" -gt 0 ]; do
  left=$((left - 1))
  sleep 0.1
done
if [ "$(cat answer)" = ${READY} ]; then exit 0; fi
kill -TERM 0
`;

/** Before certbot is started in this folder. */
export async function prepareProof(folder: string): Promise<void> {
  await makeDirectory(join(folder, 'proof'));
  await writeFile(join(folder, 'dns-hook'), HOOK, { mode: 0o600 });
}

/**
 * Answers the hook once, as soon as it asks. Ends when `signal` aborts, because certbot has ended. The answer is why the proof could not be
 * given; undefined: it was, or nobody asked.
 */
export async function answerProof(folder: string, proof: DnsProof, signal: AbortSignal): Promise<string | undefined> {
  const place = join(folder, 'proof');
  const value = await untilAsked(place, signal);
  if (value === undefined) return undefined;
  const refusal = VALUE.test(value)
    ? await untilThere(value, proof, signal)
    : 'the CA wants a value of an unknown shape';
  if (signal.aborted) return refusal;
  await writeFile(join(place, 'answer.part'), refusal === undefined ? READY : 'refused', { mode: 0o600 });
  await rename(join(place, 'answer.part'), join(place, 'answer'));
  return refusal;
}

/** An agent that comes back while certbot waits finds the question again, and answers it. */
async function untilAsked(place: string, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    const value = await readBounded(join(place, 'wanted'), VALUE_BYTES_MAX).catch(() => undefined);
    if (value !== undefined) return value;
    await pause(LOOK_EVERY_MS, signal);
  }
  return undefined;
}

async function untilThere(value: string, proof: DnsProof, signal: AbortSignal): Promise<string | undefined> {
  const deadline = performance.now() + PROOF_MS_MAX;
  let last = 'nobody answered';
  while (!signal.aborted && performance.now() < deadline) {
    const answer = await proof.present(value, signal);
    if (answer.outcome === 'ready') return undefined;
    last = answer.reason;
    if (answer.outcome === 'refused') return last;
    await pause(Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, answer.retryAfterMs)), signal);
  }
  return `it was not in DNS within ${PROOF_MS_MAX / 1000} s: ${last}`;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
