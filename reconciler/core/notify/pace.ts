// When an event becomes a message. Laws: one message per change of state; of what flaps, a few an hour, once that it flaps, and how it ended up;
// well is only told where trouble was; and what was told last is kept, so that nothing is told twice after a restart.
import { sha256Hex } from '../../../bundle/canonical.ts';
import type { Notice, NotifyEvent, NotifyState } from './event.ts';

export const MESSAGES_PER_HOUR_MAX = 4;
const TOPICS_MAX = 2_000;
const HOUR_MS = 3600_000;
/** What flapped has ended when nothing changed for so long. */
export const CALM_MS = 900_000;

/** What is known of one subject of one kind. */
export interface Topic {
  /** The last event that changed something. */
  last: NotifyEvent;
  /** What people believe: what they were told last. */
  told: NotifyState;
  /** ISO 8601: when the trouble that people were told of began. */
  troubleSince?: string;
  /** ms since the epoch: of messages of the last hour. */
  messagesMs: readonly number[];
  /** ms since the epoch: of the last change. */
  changedMs: number;
  isFlapping: boolean;
}

export interface Paced {
  /** As it is to be kept; undefined: as it was. */
  topic?: Topic;
  notice?: Notice;
}

export function topicKey({ kind, subject }: Pick<NotifyEvent, 'kind' | 'subject'>): string {
  return `${kind}\n${subject}`;
}

/** `known`: of the same kind and subject. */
export function paceEvent(known: Topic | undefined, event: NotifyEvent, nowMs: number): Paced {
  if (known === undefined && event.state === 'well') return {};
  if (known !== undefined && isEqual(known, event, nowMs)) return {};
  const messagesMs = recent(known, nowMs);
  const { told = 'well', isFlapping = false, troubleSince } = known ?? {};
  const topic: Topic = { last: event, told, ...since(troubleSince), messagesMs, changedMs: nowMs, isFlapping };
  if (isFlapping && !isCalm(known, nowMs)) return { topic };
  // Of what flaps nobody knows how it is; of anything else, what people believe already is not told.
  if (!isFlapping && (event.state === 'well') !== (told === 'trouble') && event.state !== 'told') return { topic };
  if (messagesMs.length < MESSAGES_PER_HOUR_MAX) return tell({ ...topic, isFlapping: false }, nowMs);
  return tell({ ...topic, isFlapping: true }, nowMs);
}

/** What flapped and keeps still: how it ended up, where that is news. To be asked from time to time. */
export function settleTopic(topic: Topic, nowMs: number): Paced {
  if (!topic.isFlapping || !isCalm(topic, nowMs)) return {};
  const calm: Topic = { ...topic, isFlapping: false, messagesMs: recent(topic, nowMs) };
  return topic.last.state === 'told' ? { topic: calm } : tell(calm, nowMs);
}

/** Which are forgotten so that there are at most `max`: those that are well before those in trouble, the oldest first. */
export function topicsToForget(topics: ReadonlyMap<string, Topic>, max = TOPICS_MAX): string[] {
  if (topics.size <= max) return [];
  const isTrouble = ({ last }: Topic) => (last.state === 'trouble' ? 1 : 0);
  const ranked = [...topics].sort(([, a], [, b]) => isTrouble(a) - isTrouble(b) || a.changedMs - b.changedMs);
  return ranked.slice(0, topics.size - max).map(([key]) => key);
}

function tell(topic: Topic, nowMs: number): Paced {
  const { last, isFlapping, troubleSince } = topic;
  const notice: Notice = {
    // The count tells two of one millisecond apart.
    id: sha256Hex(JSON.stringify([topicKey(last), last.state, last.at, nowMs, topic.messagesMs.length])).slice(0, 32),
    event: last,
    ...(last.state === 'well' && since(troubleSince)),
    ...(isFlapping && { isFlapping }),
  };
  const { troubleSince: _, ...rest } = topic;
  const told: Topic = {
    ...rest,
    told: last.state,
    messagesMs: [...topic.messagesMs, nowMs],
    ...(last.state === 'trouble' && since(topic.told === 'trouble' ? (troubleSince ?? last.at) : last.at)),
  };
  return { topic: told, notice };
}

/** News without a state are equal when they say the same within an hour; all else when the state is the same. */
function isEqual({ last, changedMs }: Topic, event: NotifyEvent, nowMs: number): boolean {
  if (last.state !== event.state) return false;
  if (event.state !== 'told') return true;
  return last.title === event.title && last.reason === event.reason && Math.abs(nowMs - changedMs) < HOUR_MS;
}

function recent(topic: Topic | undefined, nowMs: number): number[] {
  return (topic?.messagesMs ?? []).filter((ms) => Math.abs(nowMs - ms) < HOUR_MS);
}

/** Also when the clock jumped: what changed in the future is calm. */
function isCalm(topic: Topic | undefined, nowMs: number): boolean {
  return topic === undefined || Math.abs(nowMs - topic.changedMs) >= CALM_MS;
}

function since(troubleSince: string | undefined): { troubleSince?: string } {
  return troubleSince === undefined ? {} : { troubleSince };
}
