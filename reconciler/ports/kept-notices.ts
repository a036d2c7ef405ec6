// What operators were told last, and what still waits to be sent: so that after a restart nothing is told twice, and nothing is left untold.
// Texts are opaque here (core/notify/kept-texts.ts); at most 2000 topics, and 200 notices for each channel.

export interface KeptTopicText {
  key: string;
  text: string;
}

export interface KeptWaitingText {
  /** Name of the channel. */
  channel: string;
  /** Of the notice: one for each channel. */
  id: string;
  text: string;
}

export interface KeptNotices {
  /** In no meaningful order. */
  keptTopics(): Promise<KeptTopicText[]>;
  /** The oldest first: in the order in which they were kept. */
  keptWaiting(): Promise<KeptWaitingText[]>;
  /**
   * All or nothing, and durable when it resolves: `topic` replaces that of the same key, `forget` are keys of topics, `waiting` comes behind what
   * waits.
   */
  keepNotice(change: {
    topic: KeptTopicText;
    forget: readonly string[];
    waiting: readonly KeptWaitingText[];
  }): Promise<void>;
  /** Of those there are not, nothing is said. Need not be durable at once: a notice that is sent twice has the same id. */
  dropWaiting(gone: readonly Pick<KeptWaitingText, 'channel' | 'id'>[]): Promise<void>;
}
