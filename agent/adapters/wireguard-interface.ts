// Makes a WireGuard interface exist and carry the node's key, whoever provides it: the kernel, or a wireguard-go that outlives
// the agent. Idempotent: what already stands is left alone.
import { readFile, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KokoaError } from '../../bundle/error.ts';
import { publicKeyOf } from '../core/wireguard-key.ts';
import { alive, findOwn, startDetached, stopDetached } from './detached.ts';
import { runProgram } from './program.ts';
import { MTU, readLink } from './wireguard-link.ts';
import { readSocket, socketFile } from './wireguard-socket.ts';

const ANSWER_MS = 5_000;
/** A `wg` of somebody else may take away the socket of a wireguard-go that begins. Not three times in a row. */
const STARTS = 3;
const LOOK_EVERY_MS = 20;

export interface WireguardInterface {
  name: string;
  keyFile: string;
  logFile: string;
  prefix: readonly string[];
}

/** @throws KokoaError tunnel_failed, tunnel_name_taken, program_missing */
export async function startInterface(target: WireguardInterface): Promise<void> {
  const { name, keyFile } = target;
  await makeAnswer(target);
  await configure(target, ['wg', 'set', name, 'private-key', keyFile]);
  await configure(target, ['ip', 'link', 'set', 'dev', name, 'mtu', String(MTU), 'up']);
}

/** Ends wireguard-go, or deletes the kernel's link. Nothing to do is fine. @throws KokoaError tunnel_failed */
export async function stopInterface(target: WireguardInterface): Promise<void> {
  const processes = await ownProcesses(target);
  for (const process of processes) await stopDetached(process);
  if (processes.length > 0) await waitUntilGone(target);
  if ((await readLink(target)) && (await answers(target))) {
    await configure(target, ['ip', 'link', 'del', 'dev', target.name]);
  }
  // A killed wireguard-go leaves its socket behind; one that answers belongs to another network namespace.
  if (!(await answers(target))) await rm(socketFile(target.name), { force: true });
}

/** The public half of the key in the key file. @throws KokoaError tunnel_failed */
export async function keyOfFile(target: WireguardInterface): Promise<string> {
  const text = await readFile(target.keyFile, 'utf8').catch(() => '');
  const publicKey = publicKeyOf(text);
  if (publicKey === undefined) throw failed(target, `${target.keyFile} holds no WireGuard key`);
  return publicKey;
}

async function makeAnswer(target: WireguardInterface): Promise<void> {
  if (await readLink(target)) {
    if (await answers(target)) return;
    // A wireguard-go that hangs holds the link; without one, the link is something else and not ours to touch.
    const hung = await ownProcesses(target);
    if (hung.length === 0) throw taken(target, 'an interface of that name exists and is not WireGuard');
    for (const process of hung) await stopDetached(process);
    await waitUntilGone(target);
  } else if (await answers(target)) {
    throw taken(target, 'a wireguard-go in another network namespace has that name');
  }
  const kernel = await runProgram([...target.prefix, 'ip', 'link', 'add', 'dev', target.name, 'type', 'wireguard']);
  if (!kernel.ok) await startUserSpace(target);
}

async function startUserSpace(target: WireguardInterface): Promise<void> {
  for (let tries = 1; tries <= STARTS; tries++) {
    if (await startsAndAnswers(target)) return;
    await waitUntilGone(target);
  }
  throw failed(
    target,
    `the socket of wireguard-go was taken away ${STARTS} times (does something run wg all the time?)`,
  );
}

/** False: it was ended again, because its socket was taken away. @throws KokoaError tunnel_failed */
async function startsAndAnswers(target: WireguardInterface): Promise<boolean> {
  const process = await startDetached({
    command: [...target.prefix, 'wireguard-go', '-f', target.name],
    logFile: target.logFile,
    environment: { WG_PROCESS_FOREGROUND: '1', LOG_LEVEL: 'error' },
  });
  const deadline = performance.now() + ANSWER_MS;
  while (true) {
    // The socket file of a killed predecessor lies around, so only an answer counts.
    const socket = await readSocket(target);
    if (socket === 'listens' && (await readLink(target)) && (await answers(target))) return true;
    if (!(await alive(process))) throw failed(target, 'wireguard-go ended at once (is /dev/net/tun there?)');
    const late = performance.now() > deadline;
    if (late || socket === 'lost') await stopDetached(process);
    if (late) throw failed(target, `wireguard-go did not answer within ${ANSWER_MS} ms`);
    if (socket === 'lost') return false;
    await delay(LOOK_EVERY_MS);
  }
}

async function answers(target: WireguardInterface): Promise<boolean> {
  return (await runProgram([...target.prefix, 'wg', 'show', target.name, 'public-key'], { timeoutMs: 2_000 })).ok;
}

/** The wireguard-go of this interface in this network namespace. */
async function ownProcesses(target: WireguardInterface) {
  const namespace = await runProgram([...target.prefix, 'readlink', '/proc/self/ns/net']);
  if (!namespace.ok) return [];
  const matches = (argv: readonly string[]) =>
    basename(argv[0] ?? '') === 'wireguard-go' && argv.at(-1) === target.name;
  return findOwn(matches, namespace.stdout.trim());
}

async function waitUntilGone(target: WireguardInterface): Promise<void> {
  const deadline = performance.now() + ANSWER_MS;
  while ((await readLink(target)) && performance.now() < deadline) await delay(LOOK_EVERY_MS);
}

/** Runs one `wg` or `ip` command that has to succeed. @throws KokoaError tunnel_failed */
export async function configure(target: WireguardInterface, args: readonly string[]): Promise<void> {
  const result = await runProgram([...target.prefix, ...args]);
  if (!result.ok) throw failed(target, result.reason);
}

function failed(target: WireguardInterface, reason: string): KokoaError {
  return new KokoaError('tunnel_failed', `cannot set up ${target.name}: ${reason}`, {
    hint: `the agent needs CAP_NET_ADMIN and /dev/net/tun; wireguard-go logs to ${target.logFile}`,
  });
}

function taken(target: WireguardInterface, reason: string): KokoaError {
  return new KokoaError('tunnel_name_taken', `cannot use ${target.name}: ${reason}`, {
    hint: 'choose another interface name for this agent',
  });
}
