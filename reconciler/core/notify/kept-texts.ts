// Topics and waiting notices as texts for the store, and back. Law: what is read back is judged as anything from outside, and what is damaged is
// forgotten alone.
import { isNotifyKind, type Notice, type NotifyEvent } from './event.ts';
import type { Topic } from './pace.ts';

const TEXT_CHARACTERS_MAX = 64_000;
const MESSAGES_MAX = 100;

/** A notice that waits for one channel. */
export interface Waiting {
  notice: Notice;
  /** ms since the epoch: when it was first to be sent. */
  sinceMs: number;
}

export function topicText(topic: Topic): string {
  return JSON.stringify(topic);
}

export function waitingText(waiting: Waiting): string {
  return JSON.stringify(waiting);
}

export function readTopic(text: string): Topic | undefined {
  const read = readObject(text);
  const { last, told, troubleSince, messagesMs, changedMs, isFlapping } = read;
  const isFine =
    isEvent(last) &&
    isState(told) &&
    (troubleSince === undefined || typeof troubleSince === 'string') &&
    Array.isArray(messagesMs) &&
    messagesMs.length <= MESSAGES_MAX &&
    messagesMs.every(Number.isSafeInteger) &&
    Number.isSafeInteger(changedMs) &&
    typeof isFlapping === 'boolean';
  return isFine ? (read as unknown as Topic) : undefined;
}

export function readWaiting(text: string): Waiting | undefined {
  const read = readObject(text);
  const notice = (typeof read.notice === 'object' && read.notice !== null ? read.notice : {}) as Record<
    string,
    unknown
  >;
  const isFine =
    Number.isSafeInteger(read.sinceMs) &&
    typeof notice.id === 'string' &&
    /^[0-9a-f]{32}$/.test(notice.id) &&
    isEvent(notice.event) &&
    (notice.troubleSince === undefined || typeof notice.troubleSince === 'string') &&
    (notice.isFlapping === undefined || notice.isFlapping === true);
  return isFine ? (read as unknown as Waiting) : undefined;
}

function readObject(text: string): Record<string, unknown> {
  if (text.length > TEXT_CHARACTERS_MAX) return {};
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isEvent(value: unknown): value is NotifyEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, state, subject, at, title, reason, done, todo } = value as Record<string, unknown>;
  const texts = [subject, at, title, reason, done ?? '', todo ?? ''];
  return isNotifyKind(kind) && isState(state) && texts.every((text) => typeof text === 'string');
}

function isState(value: unknown): boolean {
  return value === 'trouble' || value === 'well' || value === 'told';
}
