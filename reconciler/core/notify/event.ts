// What operators are told: that something changed its state. Law: an event says what it is about, since when, why, what was done about it by itself
// and what a person should do; whoever saw it says why, and everything else stands in the table of kinds.

export type NotifyKind =
  | 'edge-withdrawn'
  | 'edge-kept'
  | 'node-silent'
  | 'dns-write'
  | 'dns-foreign'
  | 'publish-held'
  | 'reconcile-failing'
  | 'origin-down'
  | 'rollout-stopped'
  | 'certificate-ending'
  | 'certificate-exposed';

/** `told`: no state, just news. */
export type NotifyState = 'trouble' | 'well' | 'told';

export interface NotifyEvent {
  kind: NotifyKind;
  /** The name of an edge, a zone, a certificate…; of everything that an event can be about, at most one state is known for each kind. */
  subject: string;
  /** Since when, ISO 8601. */
  at: string;
  state: NotifyState;
  title: string;
  /** In the words of whoever saw it: hostile until it was cleaned. */
  reason: string;
  /** What was done about it by itself. */
  done?: string;
  /** What a person should do. */
  todo?: string;
}

interface KindWords {
  trouble: string;
  well: string;
  done?: string;
  todo?: string;
}

export const NOTIFY_KINDS: Readonly<Record<NotifyKind, KindWords>> = {
  'edge-withdrawn': {
    trouble: 'edge withdrawn from DNS',
    well: 'edge back in DNS',
    done: 'its addresses were taken out of DNS; it comes back by itself when it is healthy',
    todo: 'look at the machine, or set state: draining until it is mended',
  },
  'edge-kept': {
    trouble: 'unhealthy edge kept in DNS',
    well: 'edge healthy, or no longer kept',
    done: 'nothing: without it too few edges would be left, or all of them look dead',
    todo: 'mend the edge now: visitors still come to it',
  },
  'node-silent': {
    trouble: 'machine silent',
    well: 'machine heard again',
    todo: 'see whether it runs and reaches the reconciler: kokoa-agent status on the machine',
  },
  'dns-write': {
    trouble: 'DNS cannot be written',
    well: 'DNS can be written again',
    done: 'what stands in DNS stays as it is; it is tried again by itself',
    todo: 'see the reason; the provider and its credentials are those of the zone in kokoa.yaml',
  },
  'dns-foreign': {
    trouble: 'foreign record in the way',
    well: 'foreign record gone',
    done: 'it was left alone: it is not ours',
    todo: 'delete the record, or adopt it: kokoa dns adopt',
  },
  'publish-held': {
    trouble: 'publishing held',
    well: 'publishing goes on',
    done: 'machines keep what was published last',
    todo: 'mend what the reason names and merge it',
  },
  'reconcile-failing': {
    trouble: 'reconciling fails',
    well: 'reconciling works again',
    done: 'machines keep what they have; it is tried again by itself',
    todo: 'see the log of the reconciler',
  },
  'origin-down': {
    trouble: 'services of an origin are down',
    well: 'services of an origin answer again',
    done: 'routes with another backend are served by that',
    todo: 'mend the service or its machine: kokoa status names all of them',
  },
  'rollout-stopped': {
    trouble: 'rollout stopped',
    well: 'rollout goes on, or is over',
    done: 'edges that have not got the settings keep what they have; routes go on to everybody',
    todo: 'correct or revert the settings in kokoa.yaml; kokoa get rollout says who has them',
  },
  'certificate-ending': {
    trouble: 'certificate ends soon',
    well: 'certificate renewed',
    done: 'it is ordered again by itself, as far as the budget allows',
    todo: 'see why the orders fail, or import a certificate: kokoa-agent certs import',
  },
  'certificate-exposed': {
    trouble: 'certificates exposed by a compromised edge',
    well: 'no certificate exposed any more',
    done: 'the edges that stay order each of them anew, as far as the budget allows',
    todo: 'leave state: compromised as it is until this is over; kokoa get edges says how many are left',
  },
};

/** One event in the words of its kind; what is given here goes before them. */
export function notifyEvent(
  event: Pick<NotifyEvent, 'kind' | 'subject' | 'at' | 'state' | 'reason'> &
    Partial<Pick<NotifyEvent, 'title' | 'done' | 'todo'>>,
): NotifyEvent {
  const { trouble, well, done, todo } = NOTIFY_KINDS[event.kind];
  const words = event.state === 'trouble' ? { title: trouble, done, todo } : { title: well };
  const said = { ...words, ...event };
  return {
    ...{ kind: said.kind, subject: said.subject, at: said.at, state: said.state },
    ...{ title: said.title ?? words.title, reason: said.reason },
    ...(said.done !== undefined && { done: said.done }),
    ...(said.todo !== undefined && { todo: said.todo }),
  };
}

export function isNotifyKind(text: unknown): text is NotifyKind {
  return typeof text === 'string' && Object.hasOwn(NOTIFY_KINDS, text);
}

/** What a message is about: an event, or that a person tries a channel, which nobody asks for by kind. */
export interface NoticeEvent extends Omit<NotifyEvent, 'kind'> {
  kind: NotifyKind | 'test';
}

/** One message to operators: an event, as it is told. The same one has the same id, however often it is sent. */
export interface Notice {
  id: string;
  event: NoticeEvent;
  /** ISO 8601: of what is well again, when the trouble began. */
  troubleSince?: string;
  /** It changes so often that nothing more is told until it keeps still. */
  isFlapping?: true;
}
